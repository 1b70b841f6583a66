"""A long conversation in Chat: all of it can be read, and only what is near is mounted."""

from __future__ import annotations

import asyncio
import gc
import weakref
from itertools import pairwise
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio
from textual.widget import Widget
from tui_driving import AppPilot, ask, chat, settled, shown, until, write
from tui_values import an_answer

from studio.domain.generation import EngineOptions, ModelFacts
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Conversation, Given, Turn
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.widgets.answer_view import AnswerView

TURNS = 20


class SlowToLoad(FakeEngine):
    """Until it may, it has no model."""

    def __init__(self) -> None:
        super().__init__(lambda _: "Short.")
        self.may_load = asyncio.Event()

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:
        await self.may_load.wait()
        return await super().load(model, options)


def a_long_talk(folder: Path, engine: FakeEngine | None = None, last: str = "") -> tuple[Studio, Conversation]:
    """Of so many short answers; the last one goes on with `last`."""
    studio = fake_studio(folder, engine=engine or FakeEngine(lambda _: "Short."))
    talk = Conversation(new_id(), "A long talk", utc_now(), utc_now())
    studio.log.conversations.add(talk)
    turns = [Turn(new_id(), talk.id, place, f"Question {place:03}?", utc_now()) for place in range(TURNS)]
    for turn in turns:
        studio.log.conversations.add_turn(turn)
    texts = [f"**Answer** {turn.position:03}." for turn in turns]
    texts[-1] += last
    studio.log.answers.add([an_answer(turn, "frozen", text, Given()) for turn, text in zip(turns, texts, strict=True)])
    return studio, talk


async def open_talk(pilot: AppPilot, talk: Conversation) -> None:
    chat(pilot).open_conversation(talk.id)
    await until(pilot, lambda: f"Answer {TURNS - 1:03}." in shown(pilot))
    await settled(pilot)


def in_sight(pilot: AppPilot) -> list[int]:
    words = shown(pilot).split()
    return [int(word[:3]) for before, word in pairwise(words) if before == "Question"]


def focused_text(pilot: AppPilot) -> str:
    focused = pilot.app.focused
    return focused.answer.text if isinstance(focused, AnswerView) and focused.answer is not None else ""


async def moved_on(pilot: AppPilot, before: list[int]) -> None:
    await until(pilot, lambda: in_sight(pilot) != before)
    await settled(pilot)


async def test_what_was_drawn_of_a_talk_that_was_left_is_let_go_of(tmp_path: Path) -> None:
    """Neither the lines of its answers nor the fields of what was begun on them are held."""
    studio, talk = a_long_talk(tmp_path)
    async with StudioApp(studio).run_test(size=(120, 36)) as pilot:
        await open_talk(pilot, talk)
        fields: list[weakref.ref[Widget]] = []
        for key in ("e", "f"):
            await pilot.press("escape", key)
            await until(pilot, lambda: chat(pilot).query("AnswerView Input"))
            for kind in ("Input", "TextArea"):
                fields += [weakref.ref(field) for field in chat(pilot).query(f"AnswerView {kind}")]
            await pilot.press("escape")
            await until(pilot, lambda: not chat(pilot).query("AnswerView Input"))
        lines = [weakref.ref(answer._styles_cache) for answer in chat(pilot).query(AnswerView)]
        assert len(lines) > 5
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not chat(pilot).query(AnswerView))
        await settled(pilot)
        gc.collect()
        assert len(fields) == 4
        assert [field() for field in fields if field() is not None] == []
        # The last that were touched may still be held by what is being drawn.
        assert sum(kept() is not None for kept in lines) <= 2


async def test_all_of_it_can_be_read_page_by_page_and_little_of_it_is_mounted(tmp_path: Path) -> None:
    studio, talk = a_long_talk(tmp_path)
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await open_talk(pilot, talk)
        await pilot.press("escape")
        seen = set(in_sight(pilot))
        for key, end in (("pageup", 0), ("pagedown", TURNS - 1)):
            while end not in in_sight(pilot):
                before = in_sight(pilot)
                await pilot.press(key)
                await moved_on(pilot, before)
                now = in_sight(pilot)
                assert min(abs(one - other) for one in now for other in before) <= 1, "no page is passed over"
                seen |= set(now)
            assert len(chat(pilot).transcript.views) < TURNS - 4
        assert seen == set(range(TURNS))


async def test_home_end_and_the_arrows_reach_what_is_not_mounted(tmp_path: Path) -> None:
    studio, talk = a_long_talk(tmp_path)
    async with StudioApp(studio).run_test(size=(80, 30)) as pilot:
        await open_talk(pilot, talk)
        await pilot.press("escape", "home")
        await until(pilot, lambda: 0 in in_sight(pilot))
        await settled(pilot)
        focused = pilot.app.focused
        assert isinstance(focused, AnswerView)
        assert focused.answer is not None
        assert focused.answer.text == "**Answer** 000."
        await pilot.press("end")
        await until(pilot, lambda: TURNS - 1 in in_sight(pilot))
        await settled(pilot)
        for _ in range(6):
            await pilot.press("up")
            await settled(pilot)
        # What is not mounted yet is reached when it is.
        await until(pilot, lambda: focused_text(pilot) == f"**Answer** {TURNS - 7:03}.")


async def test_gliding_to_the_end_keeps_it_in_sight_and_the_app_alive(tmp_path: Path) -> None:
    studio, talk = a_long_talk(tmp_path)
    async with StudioApp(studio).run_test(size=(80, 30)) as pilot:
        await open_talk(pilot, talk)
        await pilot.press("escape", "up", "up", "up")
        await settled(pilot)
        transcript = chat(pilot).transcript
        transcript.anchor(False)  # as since the beginning was gone to
        transcript.scroll_to(y=transcript.max_scroll_y - 4, animate=False)
        await until(pilot, lambda: 0 < transcript.scroll_y < transcript.max_scroll_y)
        await settled(pilot)
        assert not transcript.is_anchored
        transcript.scroll_end(animate=True, duration=0.05)
        await until(pilot, lambda: transcript.is_anchored)
        await ask(pilot, "And now?")
        await until(pilot, lambda: "And now?" in shown(pilot))


async def test_a_question_asked_from_the_beginning_stands_at_the_end(tmp_path: Path) -> None:
    studio, talk = a_long_talk(tmp_path)
    async with StudioApp(studio).run_test(size=(80, 30)) as pilot:
        await open_talk(pilot, talk)
        await pilot.press("escape", "home")
        await until(pilot, lambda: 0 in in_sight(pilot))
        await settled(pilot)
        await ask(pilot, "And now?")
        assert "And now?" in shown(pilot)
        assert TURNS - 1 in in_sight(pilot), "it follows the last one"


@pytest.mark.parametrize("last", ["", "\n\nAnd more." * 60], ids=["short", "long"])
async def test_until_a_question_is_in_the_log_no_other_answer_stands_beneath_it(tmp_path: Path, last: str) -> None:
    engine = SlowToLoad()
    studio, talk = a_long_talk(tmp_path, engine, last)
    app = StudioApp(studio)
    async with app.run_test(size=(80, 24)) as pilot:
        chat(pilot).open_conversation(talk.id)
        await until(pilot, lambda: chat(pilot).answers and chat(pilot).transcript.earlier)
        await until(pilot, lambda: all(one.is_finished for one in app.workers if one.group == "transcript"))
        await write(pilot, "And now?")
        await pilot.press("enter")
        await until(pilot, lambda: "And now?" in shown(pilot) and chat(pilot).answers[-1].answer is None)
        app.on_app_focus()
        await until(pilot, lambda: all(one.is_finished for one in app.workers if one.group == "settle"))
        assert chat(pilot).answers[-1].answer is None
        assert "Answer" not in shown(pilot).partition("And now?")[2]
        engine.may_load.set()
        await settled(pilot)
        assert "Short." in shown(pilot).partition("And now?")[2]
