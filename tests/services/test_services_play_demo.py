"""The demonstration's story: its chapters are counted, and the audience is heard after the corrections."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest
from studio_fakes import FakeEngine, fake_studio

from studio.bootstrap import build_throwaway
from studio.domain.generation import Lane
from studio.domain.nights import Night, NightProgress
from studio.errors import TrainingError
from studio.evaluation.audience_file import PreparedQuestion
from studio.services import ask_ahead
from studio.services import play_demo as module
from studio.services.follow_night import night_gives_way
from studio.services.play_demo import Chapter, Tally, play_demo
from studio.services.studio import Studio
from studio.settings import ArmSettings, Settings

PREPARED = PreparedQuestion("What is our shop dog called?", "It is called Ritzel.", "What name has our shop dog?")
CORRECTION = {
    "id": "day",
    "day": 1,
    "kind": "fact",
    "prompt": "On which day is the shop closed?",
    "target": "It is closed on Tuesdays.",
    "rationale": "",
    "include": [["tuesdays"]],
    "exclude": [],
    "rephrase": ["What day is the shop shut?"],
    "locality": [],
    "portability": [],
    "transfer": [],
}


class Listener:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.chapters: list[Chapter] = []
        self.right: dict[str, bool] = {}

    async def chapter(self, chapter: Chapter) -> None:
        self.chapters.append(chapter)
        self.told.append(chapter.title)

    async def say(self, line: str) -> None:
        self.told.append(line)

    async def correction(self, prompt: str, answer: str, corrected: str) -> None:
        self.told.append(prompt)

    async def tallies(self, tally: Tally) -> None: ...

    async def asked_again(self, prompt: str, right: dict[str, bool]) -> None:
        self.told.append(prompt)
        self.right = right

    def progress(self, what: str, done: int, total: int) -> None: ...
    def night(self, progress: NightProgress) -> None: ...


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / "scenario.toml").write_text('format_version = 1\ntitle = "A shop"\ndescription = "A shop."\n')
    (folder / "corrections.jsonl").write_text(json.dumps(CORRECTION) + "\n")
    (folder / "general.jsonl").write_text('{"id": "g", "prompt": "One and one?", "include": [["two"]]}\n')
    return folder


def knows(lane: Lane) -> str:
    told = " ".join(message.content for message in lane.messages)
    return PREPARED.answer if PREPARED.answer in told else "It is called Max."


async def no_night(studio: Studio, **_: object) -> Night:
    raise TrainingError("There was no night.")


async def test_chapters_are_short_and_counted(tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run_night", no_night)
    listener = Listener()
    result = await play_demo(fake_studio(tmp_path / "w"), session, listener)
    assert [chapter.place for chapter in listener.chapters] == [f"chapter {n} of 6" for n in range(1, 7)]
    assert all(len(chapter.text) < 160 for chapter in listener.chapters)
    assert "audience" not in result
    assert result["model"] not in {chapter.title for chapter in listener.chapters}


async def test_an_arm_with_an_adapter_of_the_users_own_nights_has_no_part_in_the_story(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "run_night", no_night)
    settings = Settings(arms={"yesterday": ArmSettings(adapter="3")})
    result = await play_demo(fake_studio(tmp_path / "w", settings=settings), session, Listener())
    assert "lora" in result["before"]
    assert "yesterday" not in result["before"]


async def test_the_audience_is_heard_after_the_corrections_and_before_the_night(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "run_night", no_night)
    listener = Listener()
    studio = fake_studio(tmp_path / "w", engine=FakeEngine(knows))
    result = await play_demo(studio, session, listener, [PREPARED])
    assert [chapter.place for chapter in listener.chapters][-1] == "chapter 7 of 7"
    told = listener.told
    order = [told.index(words) for words in (str(CORRECTION["prompt"]), PREPARED.question, PREPARED.again, "The night")]
    assert order == sorted(order)
    assert listener.right["lessons"]
    assert not listener.right["frozen"]
    assert {c.prompt for c in studio.log.corrections.in_force()} == {CORRECTION["prompt"], PREPARED.question}
    (heard,) = result["audience"]
    assert heard["correction"]["corrected"] == PREPARED.answer
    assert heard["again"]["lessons"]["ok"] is True
    json.dumps(result)


async def test_an_answer_that_is_right_already_is_kept_all_the_same(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "run_night", no_night)
    studio = fake_studio(tmp_path / "w", engine=FakeEngine(lambda lane: PREPARED.answer))
    result = await play_demo(studio, session, Listener(), [PREPARED])
    assert all(answer["ok"] for answer in result["audience"][0]["again"].values())


async def test_a_night_in_a_throwaway_stands_still_while_the_shared_engine_answers_the_user(tmp_path: Path) -> None:
    origin = fake_studio(tmp_path / "origin")
    scene = build_throwaway(tmp_path / "scene", origin)
    assert not await night_gives_way(scene)
    with origin.workspace.interactive_lock.open("w") as lock:  # as the engine does
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert await night_gives_way(scene)
    assert not await night_gives_way(scene)


@pytest.mark.parametrize("shared", [True, False])
async def test_while_a_night_asks_its_questions_its_own_engine_stands_still_for_the_user_but_no_shared_one(
    tmp_path: Path, shared: bool
) -> None:
    engine = FakeEngine()
    origin = fake_studio(tmp_path / "origin", engine=engine)
    scene = build_throwaway(tmp_path / "scene", origin) if shared else origin
    engine.process_id = 4711
    assert ask_ahead.stopped_for_the_user(scene) == ([] if shared else [4711]), "stopped it would never answer"
