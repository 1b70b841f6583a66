"""Compare as a user drives it: all arms at once, judged, preferred, corrected, turned, and seen through time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from made_reader import make_reader
from studio_fakes import FakeEngine, fake_studio
from textual.widgets import Static
from tui_driving import AppPilot, ask, notices, settled, shown, until, write
from tui_values import HOSTILE, MODEL, QUESTION, add_correction, add_night, by_arm

from studio.domain.generation import FinishReason
from studio.domain.log import Feedback, Origin
from studio.domain.nights import NightState
from studio.services.learn_lessons import learn_lesson
from studio.services.studio import Studio
from studio.settings import ArmSettings, NightSettings, SamplingSettings, Settings
from studio.tui.app import StudioApp
from studio.tui.messages import CompareRequested
from studio.tui.screens.arm_pane import ArmPane, ArmState
from studio.tui.screens.arm_tabs import ArmTab, ArmTabs
from studio.tui.screens.compare import CompareScreen
from studio.tui.screens.scale_dial import DialButton, turned
from studio.tui.widgets.answer_editor import AnswerEditor
from studio.tui.widgets.text_input import Composer, PlainTextArea

SIZES = [(80, 24), (120, 36), (200, 50)]
ARMS = ["frozen", "context", "lessons", "lora", "lora+lessons"]


def a_studio(folder: Path, engine: FakeEngine | None = None, settings: Settings | None = None) -> Studio:
    # At a temperature every arm is decoded apart, so that the fake engine can answer each in its own words.
    # Adapters answer every question, whatever the fake embedder makes of it.
    apart = Settings(sampling=SamplingSettings(temperature=0.5), night=NightSettings(scope=-1.0))
    return fake_studio(folder, engine=engine or FakeEngine(by_arm), settings=settings or apart)


def screen(pilot: AppPilot) -> CompareScreen:
    app = pilot.app
    assert isinstance(app, StudioApp)
    base = app.base_screen("compare")
    assert isinstance(base, CompareScreen)
    return base


def states(pilot: AppPilot) -> list[ArmState]:
    return [pane.state for pane in screen(pilot).panes]


def pane_of(pilot: AppPilot, arm: str) -> ArmPane:
    return next(pane for pane in screen(pilot).panes if pane.recipe.name == arm)


def visible_arms(pilot: AppPilot) -> list[str]:
    return [pane.recipe.name for pane in screen(pilot).panes if pane.region]


async def compare(pilot: AppPilot, question: str = QUESTION) -> None:
    """Ask all arms and wait until they are done."""
    pilot.app.screen.post_message(CompareRequested(question))
    await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
    await answered(pilot)


async def answered(pilot: AppPilot) -> None:
    await until(pilot, lambda: screen(pilot).comparison is not None and not screen(pilot).answering)
    await settled(pilot)


@pytest.mark.parametrize("size", [*SIZES, (40, 10)])
async def test_says_what_to_do_when_empty(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "Type a question above and press enter" in " ".join(shown(pilot).split()))
        assert isinstance(app.focused, Composer)


@pytest.mark.parametrize(("size", "arms_in_sight"), list(zip(SIZES, (1, 5, 5), strict=True)))
async def test_all_arms_answer_and_are_judged(tmp_path: Path, size: tuple[int, int], arms_in_sight: int) -> None:
    studio = a_studio(tmp_path)
    add_correction(studio)
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.focused, Composer))
        await write(pilot, QUESTION)
        await pilot.press("enter")
        await answered(pilot)
        assert states(pilot) == [ArmState.WRONG, *[ArmState.RIGHT] * 4]
        assert len(visible_arms(pilot)) == arms_in_sight
        text = " ".join(shown(pilot).split())
        assert "It is 30 days." in text
        assert "wrong ✗" in text
        assert "'45 days'" in text
        assert "tokens" in text
        if arms_in_sight == 1:
            assert "1 frozen ✗" in text
            assert "2 context ✓" in text
            await pilot.press("2")
            await until(pilot, lambda: visible_arms(pilot) == ["context"])
            assert "1 correction" in shown(pilot)
        else:
            assert "It is 45 days, says lora" in text
            assert "no adapter" in text.casefold()


async def test_a_rewording_is_judged_by_the_correction_it_finds_and_says_so(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    await learn_lesson(studio, add_correction(studio))
    app = StudioApp(studio)
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot, "How long is the refund window now?")
        assert pane_of(pilot, "frozen").state is ArmState.WRONG
        assert pane_of(pilot, "lessons").state is ArmState.RIGHT
        verdict = str(pane_of(pilot, "lessons").query_one(".arm-verdict", Static).content)
        assert f"right ✓ (judged as “{QUESTION}”)" in verdict
        await pilot.press("d")
        await until(pilot, lambda: "{+45+}" in shown(pilot))
        await compare(pilot, "What is the capital of France?")
        assert pane_of(pilot, "lessons").state is ArmState.ANSWERED, "an unlike question is not judged"


@pytest.mark.parametrize(("size", "arms_in_sight"), [((80, 24), 1), ((200, 50), 6)])
async def test_with_a_reader_there_is_a_sixth_arm(tmp_path: Path, size: tuple[int, int], arms_in_sight: int) -> None:
    studio = a_studio(tmp_path)
    await learn_lesson(studio, add_correction(studio))
    make_reader(studio.workspace.readers, MODEL)
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await compare(pilot)
        assert len(visible_arms(pilot)) == arms_in_sight
        await pilot.press("6")
        await until(pilot, lambda: "reader+lessons" in visible_arms(pilot))
        assert "reader · lesson" in str(pane_of(pilot, "reader+lessons").query_one(".arm-given", Static).content)
        if arms_in_sight == 1:
            assert "6 reader+lessons" in shown(pilot)


async def test_a_long_answer_is_shown_from_its_beginning_with_the_verdict_beneath(tmp_path: Path) -> None:
    studio = a_studio(tmp_path, FakeEngine(lambda lane: "It begins. " + "and goes on and on " * 200))
    add_correction(studio)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await compare(pilot)
        await until(pilot, lambda: shown(pilot).count("It begins.") >= 4)
        assert "does not say '45 days'" in " ".join(shown(pilot).split())


async def test_the_last_answer_is_gone_when_the_next_question_is_asked(tmp_path: Path) -> None:
    engine = FakeEngine(lambda lane: f"# Heading\n\nSaid to **{lane.messages[-1].content}**")
    app = StudioApp(a_studio(tmp_path, engine))
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot, "sooner")
        await until(pilot, lambda: shown(pilot).count("Said to sooner") == 5)
        engine.hold = asyncio.Event()
        screen(pilot).compare("second", ())
        await until(pilot, lambda: "sooner" not in shown(pilot))
        engine.hold.set()
        await answered(pilot)
        await until(pilot, lambda: shown(pilot).count("Said to second") == 5)
        assert "sooner" not in shown(pilot)


async def test_two_columns_in_medium_windows_and_one_row_in_wide_ones(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await compare(pilot)
        assert len({pane.region.x for pane in screen(pilot).panes}) == 2
        await pilot.resize_terminal(200, 50)
        await until(pilot, lambda: len({pane.region.x for pane in screen(pilot).panes}) == 5)
        assert len({pane.region.y for pane in screen(pilot).panes}) == 1
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: len(visible_arms(pilot)) == 1)


async def test_comes_from_chat_with_its_question_and_history(tmp_path: Path) -> None:
    engine = FakeEngine(by_arm)
    app = StudioApp(a_studio(tmp_path, engine))
    async with app.run_test(size=(120, 36)) as pilot:
        await ask(pilot, "First question?")
        await ask(pilot, "Second question?")
        await pilot.press("escape", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await answered(pilot)
        assert screen(pilot).query_one(Composer).text == "Second question?"
        frozen = next(lane for lane in engine.asked if lane.key == "frozen")
        assert "First question?" in [message.content for message in frozen.messages]


async def test_esc_cancels_all_and_keeps_what_had_arrived(tmp_path: Path) -> None:
    engine = FakeEngine(by_arm)
    engine.hold = asyncio.Event()
    studio = a_studio(tmp_path, engine)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        pilot.app.screen.post_message(CompareRequested(QUESTION))
        await until(pilot, lambda: engine.asked and screen(pilot).answering)
        await until(pilot, lambda: "It" in shown(pilot).split())
        await pilot.press("escape")
        await until(pilot, lambda: engine.cancelled)
        await answered(pilot)
        assert set(states(pilot)) == {ArmState.FAILED}
        assert "cancelled" in shown(pilot)
        kept = studio.log.answers.to_prompt(QUESTION)
        assert {answer.finish_reason for answer in kept} == {FinishReason.CANCELLED}
        assert len(kept) == 5


async def test_an_engine_that_dies_is_told_in_each_pane(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path, FakeEngine(by_arm, die_after=2)))
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot)
        assert set(states(pilot)) == {ArmState.FAILED}
        text = " ".join(shown(pilot).replace("│", " ").split())
        assert "The engine stopped" in text


async def test_an_answer_is_picked_and_edited_into_a_correction(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(pilot)
        assert set(states(pilot)) == {ArmState.ANSWERED}, "nothing to judge by yet"
        await pilot.press("1", "e")
        await until(pilot, lambda: isinstance(app.focused, PlainTextArea))
        app.screen.query_one(AnswerEditor).query_one(PlainTextArea).load_text("It is 45 days.")
        await pilot.press("ctrl+s")
        await until(pilot, studio.log.corrections.in_force)
        await settled(pilot)
        (correction,) = studio.log.corrections.in_force()
        assert (correction.prompt, correction.corrected) == (QUESTION, "It is 45 days.")
        assert (correction.arm, correction.origin) == ("frozen", Origin.COMPARE)
        assert states(pilot) == [ArmState.WRONG, *[ArmState.RIGHT] * 4], "judged by the new correction"
        assert not app.screen.query(AnswerEditor)
        assert any("Lesson learnt" in told for told in notices(pilot))


async def test_an_unchanged_correction_is_refused_and_the_editor_stays(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(pilot)
        await pilot.press("1", "e")
        await until(pilot, lambda: isinstance(app.focused, PlainTextArea))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("same as the answer" in told for told in notices(pilot)))
        assert app.screen.query(AnswerEditor)
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        assert studio.log.corrections.all() == []


async def test_the_difference_from_the_correction_is_shown(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    add_correction(studio)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await compare(pilot)
        await pilot.press("1", "d")
        await until(pilot, lambda: "It is [-30-]{+45+} days." in shown(pilot))
        await pilot.press("d")
        await until(pilot, lambda: "It is 30 days." in shown(pilot))


async def test_an_answer_is_preferred_and_that_taken_back(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    app = StudioApp(studio)

    def preferred() -> list[str]:
        answers = studio.log.answers.to_prompt(QUESTION)
        told = studio.log.answers.feedback_of([answer.id for answer in answers])
        return [answer.arm for answer in answers if told.get(answer.id) is Feedback.PREFERRED]

    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot)
        await pilot.press("2", "v")
        await until(pilot, lambda: preferred() == ["context"])
        await until(pilot, lambda: "★ preferred" in shown(pilot))
        await settled(pilot)
        await pilot.press("3", "v")
        await until(pilot, lambda: preferred() == ["lessons"])
        await settled(pilot)
        await pilot.press("v")
        await until(pilot, lambda: preferred() == [])


async def test_in_a_narrow_window_the_tab_says_which_answer_is_preferred(tmp_path: Path) -> None:
    async with StudioApp(a_studio(tmp_path)).run_test(size=(80, 24)) as pilot:
        await compare(pilot)
        await pilot.press("2", "v")
        await until(pilot, lambda: "2★context" in shown(pilot))
        await settled(pilot)
        await pilot.press("v")
        await until(pilot, lambda: "2 context" in shown(pilot))


async def test_blind_hides_and_shuffles_until_a_preference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def backwards(self: object, order: list[ArmPane]) -> None:
        order.reverse()

    monkeypatch.setattr("random.SystemRandom.shuffle", backwards)
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        await compare(pilot)
        await pilot.press("b")
        await until(pilot, lambda: "1 answer 1" in shown(pilot))
        await ask_another(pilot, "What is the name of my cat?")
        assert [pane.recipe.name for pane in screen(pilot).panes] == ARMS[::-1]
        titles = [str(pane.border_title) for pane in screen(pilot).panes]
        assert not any(arm in title for arm in ARMS for title in titles)
        assert "given:" not in shown(pilot)
        assert "tokens" not in shown(pilot), "the cost would tell the arm"
        left_to_right = sorted(screen(pilot).panes, key=lambda pane: pane.region.x)
        assert left_to_right == screen(pilot).panes
        await pilot.press("1", "v")
        await until(pilot, lambda: "1 lora+lessons ★ preferred" in shown(pilot))
        await settled(pilot)
        tally = {one.arm: one for one in app.studio.log.answers.preferences()}
        assert (tally["lora+lessons"].preferred_blind, tally["frozen"].preferred_blind) == (1, 0)
        assert any("So far with names hidden: " in notice for notice in notices(pilot))
        await pilot.press("r")
        await until(pilot, lambda: "1 answer 1" in shown(pilot))
        await settled(pilot)
        await pilot.press("b")
        await until(pilot, lambda: "lora+lessons" in shown(pilot))
        assert [pane.recipe.name for pane in screen(pilot).panes] == ARMS, "back in their order"
        assert [pane.recipe.name for pane in sorted(screen(pilot).panes, key=lambda pane: pane.region.x)] == ARMS


async def ask_another(pilot: AppPilot, question: str) -> None:
    screen(pilot).query_one(Composer).load_text(question)
    screen(pilot).action_compose()
    await pilot.press("enter")
    await asked(pilot, question)


async def asked(pilot: AppPilot, question: str) -> None:
    await until(pilot, lambda: getattr(screen(pilot).comparison, "prompt", "") == question)
    await answered(pilot)


async def test_a_choice_among_answers_once_read_with_their_names_is_not_counted_as_blind(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(200, 50), notifications=True) as pilot:

        async def blind() -> int:
            await pilot.press("1", "v")
            await settled(pilot)
            return sum(one.preferred_blind for one in app.studio.log.answers.preferences())

        await compare(pilot)
        await pilot.press("b")
        await until(pilot, lambda: any("under their arms' names" in told for told in notices(pilot)))
        assert await blind() == 0, "they were read before they were hidden"
        assert any("counts as a choice with names known" in told for told in notices(pilot))
        await pilot.press("r")
        await answered(pilot)
        assert await blind() == 0, "asked again, the arms say the same again"
        await ask_another(pilot, "What is the name of my cat?")
        assert await blind() == 1
        await ask_another(pilot, "And of my dog?")
        await pilot.press("t")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press("escape")
        assert await blind() == 1, "the timeline told which arm said what"


async def test_an_answer_read_in_chat_is_known_in_a_blind_comparison(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot)
        await pilot.press("b")
        for question, read, known in (("One?", "It is 30 days.", True), ("Two?", "It was something else.", False)):
            app.screen.post_message(CompareRequested(question, (), [("frozen", read)]))
            await asked(pilot, question)
            assert screen(pilot).names.known(question, screen(pilot).panes) == known


async def test_the_dial_asks_the_adapter_arms_again(tmp_path: Path) -> None:
    engine = FakeEngine(by_arm)
    studio = a_studio(tmp_path, engine)
    add_night(studio, NightState.PROMOTED, version=1)
    app = StudioApp(studio)
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot)
        assert "0.80" in shown(pilot)
        engine.asked.clear()
        await pilot.press("]", "]", "-")
        assert studio.scale_dial == pytest.approx(0.85)
        await until(pilot, lambda: len(engine.asked) == 2)
        await answered(pilot)
        assert {lane.key for lane in engine.asked} == {"lora", "lora+lessons"}
        assert "(scale 0.85)" in " ".join(shown(pilot).replace("│", " ").split())
        (turn,) = studio.log.conversations.turns(studio.log.conversations.recent()[0].id)
        assert len(studio.log.answers.of_turns([turn.id])[turn.id]) == 7, "asked again within the same turn"
        await pilot.click(list(screen(pilot).query(DialButton))[-1])
        assert studio.scale_dial == pytest.approx(0.9)
        await pilot.press("0")
        assert studio.scale_dial is None


async def test_without_an_adapter_there_is_no_dial_and_its_keys_say_why(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await compare(pilot)
        assert "adapter scale" not in shown(pilot)
        assert "Weaker" not in shown(pilot)
        await pilot.press("]")
        await until(pilot, lambda: any("A night (F5) trains one" in told for told in notices(pilot)))
        assert app.studio.scale_dial is None


def test_the_dial_stays_on_its_grid_and_within_its_range() -> None:
    assert turned(0.8, 1) == pytest.approx(0.85)
    assert turned(0.83, -1) == pytest.approx(0.80)
    assert turned(0.0, -1) == 0.0
    assert turned(1.5, 1) == 1.5


async def test_asking_again_shows_the_new_answers(tmp_path: Path) -> None:
    engine = FakeEngine(by_arm)
    app = StudioApp(a_studio(tmp_path, engine))
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot)
        engine.reply = lambda lane: "Quite another answer."
        await pilot.press("r")
        await until(pilot, lambda: shown(pilot).count("Quite another answer.") == 5)
        assert "It is 30 days." not in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_one_arm_is_shown_alone_and_all_again(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=size) as pilot:
        await compare(pilot)
        await pilot.press("2", "m")
        await until(pilot, lambda: screen(pilot).maximized is pane_of(pilot, "context"))
        await pilot.press("3")
        await until(pilot, lambda: screen(pilot).maximized is pane_of(pilot, "lessons"))
        await pilot.press("m")
        await until(pilot, lambda: screen(pilot).maximized is None)


async def test_a_click_on_a_tab_shows_its_arm(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await compare(pilot)
        await pilot.click(list(screen(pilot).query_one(ArmTabs).query(ArmTab))[2])
        await until(pilot, lambda: visible_arms(pilot) == ["lessons"])


async def test_the_tabs_of_a_window_that_was_wide_tell_how_far_the_arms_are(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    add_correction(studio)
    app = StudioApp(studio)
    async with app.run_test(size=(200, 50)) as pilot:
        await compare(pilot)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "1 frozen ✗ 2 context ✓" in shown(pilot))


async def test_answers_that_begin_and_end_move_no_text_in_a_large_window(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.focused, Composer))
        await compare(pilot)
        place = pane_of(pilot, "frozen").query_one(".arm-body").region
        await screen(pilot).panes[0].wait()
        await pilot.pause()
        assert pane_of(pilot, "frozen").query_one(".arm-body").region == place


async def test_hostile_text_is_drawn_as_text(tmp_path: Path) -> None:
    engine = FakeEngine(lambda lane: f"{HOSTILE} said")
    app = StudioApp(a_studio(tmp_path, engine, Settings(arms={"[b]mine[/b]": ArmSettings()})))
    async with app.run_test(size=(120, 50)) as pilot:
        await compare(pilot, f"{HOSTILE} asked")
        text = shown(pilot)
        assert "\x1b" not in text
        assert "[bold]markup[/bold] ␛[31m {{ braces }} said" in text
        assert "6 [b]mine[/b]" in text


async def test_many_arms_fit_by_scrolling(tmp_path: Path) -> None:
    own = {f"mine-{number}": ArmSettings() for number in range(6)}
    app = StudioApp(a_studio(tmp_path, settings=Settings(arms=own)))
    async with app.run_test(size=(120, 36)) as pilot:
        await compare(pilot)
        assert min(pane.size.height for pane in screen(pilot).panes) >= 5
        await pilot.press("9")
        await until(pilot, lambda: app.focused is screen(pilot).panes[8])


@pytest.mark.parametrize(("own", "least", "most"), [(1, 24, 28), (3, 30, 30)])
async def test_arms_beside_each_other_share_the_window_or_are_scrolled(
    tmp_path: Path, own: int, least: int, most: int
) -> None:
    arms = {f"mine-{number}": ArmSettings() for number in range(own)}
    app = StudioApp(a_studio(tmp_path, settings=Settings(arms=arms)))
    async with app.run_test(size=(160, 50)) as pilot:
        await compare(pilot)
        widths = [pane.outer_size.width for pane in screen(pilot).panes]
        assert len(widths) == 5 + own
        assert all(least <= width <= most for width in widths), widths


async def test_typing_goes_to_the_question_not_to_the_actions(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await compare(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.focused, Composer))
        before: Sequence[ArmPane] = screen(pilot).panes
        await pilot.press(*"vbdt12[]")
        assert screen(pilot).query_one(Composer).text.endswith("vbdt12[]")
        assert not any(pane.blind for pane in before)


async def test_a_correction_corrected_again_keeps_why(tmp_path: Path) -> None:
    studio = a_studio(tmp_path)
    add_correction(studio, rationale="the new policy")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await compare(pilot)
        await pilot.press("1", "e")
        await until(pilot, lambda: isinstance(app.focused, PlainTextArea))
        app.screen.query_one(AnswerEditor).query_one(PlainTextArea).load_text("It is 46 days.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.screen.query(AnswerEditor))
        await settled(pilot)
        (correction,) = studio.log.corrections.in_force()
        assert (correction.corrected, correction.rationale) == ("It is 46 days.", "the new policy")


async def test_a_question_that_cannot_be_compared_now_leaves_what_is_typed_alone(tmp_path: Path) -> None:
    app = StudioApp(a_studio(tmp_path))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await ask(pilot, "First question?")
        await compare(pilot)
        await pilot.press("1", "e")
        await until(pilot, lambda: isinstance(app.focused, PlainTextArea))
        screen(pilot).query_one(Composer).load_text("A draft.")
        await pilot.press("f2", "escape", "c")
        await until(pilot, lambda: any("A correction is being written" in told for told in notices(pilot)))
        assert screen(pilot).query_one(Composer).text == "A draft."
