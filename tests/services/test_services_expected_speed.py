"""Tokens a second: the machine is measured once, kept for it, and measured anew where that no longer holds."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from studio_fakes import fake_studio

from studio.domain.generation import FinishReason
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Conversation, Given, Turn
from studio.domain.speed import MachineSpeed, Work
from studio.models.fit import MemoryNeed
from studio.services import expected_speed
from studio.services.expected_speed import Pace, guessed_work, known_speed, lacking, measure_speed, measured_pace, pace
from studio.services.studio import Studio
from studio.settings import ModelSettings

ONE = ModelSettings(threads=1)
Q8_0, Q4_K, Q6_K = 8, 12, 14


def speed(*kinds: int, threads: int = 1) -> MachineSpeed:
    return MachineSpeed(threads, 1e-5, 1e-8, 1e10, dict.fromkeys(kinds, 1e10))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What was measured, by a child that is a stand-in: all kinds at 10 GB/s."""
    found: list[list[int]] = []

    async def run(folder: Path, threads: int, gpu_layers: int, kinds: list[int]) -> bytes:
        found.append(list(kinds))
        return msgspec.json.encode(speed(Q8_0, *kinds, threads=threads))

    monkeypatch.setattr(expected_speed, "_run", run)
    monkeypatch.setattr(expected_speed, "cores_left", lambda before, since: 1)
    return found


async def test_a_machine_is_measured_once_and_for_more_kinds_later(tmp_path: Path, asked: list[list[int]]) -> None:
    workspace = fake_studio(tmp_path).workspace
    assert known_speed(workspace, ONE) is None
    first = await measure_speed(workspace, ONE, [Q4_K], None)
    assert first is not None
    assert known_speed(workspace, ONE) == first
    work = Work({Q4_K: 90, Q6_K: 10, 0: 1}, 1, 1, 0)
    assert lacking([work, None], first) == [Q6_K]
    second = await measure_speed(workspace, ONE, [Q6_K], first)
    assert second is not None
    assert set(second.bytes_s) == {Q8_0, Q4_K, Q6_K}
    assert lacking([work], known_speed(workspace, ONE)) == []
    assert asked == [[Q4_K], [Q6_K]]
    assert known_speed(workspace, ModelSettings(threads=3)) is None, "on more threads another machine"
    (workspace.diagnostics / "machine_speed.json").write_text("{")
    assert known_speed(workspace, ONE) is None


async def test_what_was_measured_beside_other_programs_holds_for_some_minutes(
    tmp_path: Path, asked: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, two = fake_studio(tmp_path).workspace, ModelSettings(threads=2)
    measured = await measure_speed(workspace, two, [Q4_K], None)
    assert measured is not None
    assert (measured.threads, measured.busy) == (1, True)
    assert known_speed(workspace, two) == measured
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert known_speed(workspace, two) is None


async def test_where_the_cores_are_taken_nothing_is_measured_or_kept(
    tmp_path: Path, asked: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = fake_studio(tmp_path).workspace
    monkeypatch.setattr(expected_speed, "cores_left", lambda before, since: 0)
    assert await measure_speed(workspace, ONE, [Q4_K], None) is None
    assert asked == []
    monkeypatch.setattr(expected_speed, "cores_left", lambda before, since: 1)

    async def taken_meanwhile(*_: object) -> bytes:
        return b""

    monkeypatch.setattr(expected_speed, "_run", taken_meanwhile)
    assert await measure_speed(workspace, ONE, [Q4_K], None) is None
    assert known_speed(workspace, ONE) is None


def test_what_is_expected_and_measured_is_told_in_words() -> None:
    work = Work({Q8_0: 10**8}, 0, 0, 0)
    told = pace(work, speed(Q8_0), 97.4)
    assert told.words == "About 100 tokens a second expected here; 97 measured."
    assert told.short == "100 tok/s expected, 97 measured"
    assert pace(work, None, 9.72).words == "About 9.7 tokens a second measured."
    assert Pace().words == Pace().short == ""
    card = MachineSpeed(1, 0, 0, 1e10, {Q8_0: 1e10}, gpu_bytes=5 * 10**7)
    partly = pace(Work({Q8_0: 10**8}, 0, 9, 0), card, None, MemoryNeed(10**8, 0, 0))
    assert partly.expected is None
    assert partly.words == "5 of 9 layers fit into 50 MB of the graphics card."


def test_a_model_that_is_not_here_is_reckoned_by_the_quantisation_its_name_tells() -> None:
    work = guessed_work("Llama-3.2-1B-Instruct-Q4_K_M.gguf", 10**9)
    assert work is not None
    assert work.weights == {Q4_K: 7 * 10**8, Q6_K: 3 * 10**8}
    assert guessed_work("model.gguf", 10**9) is None


def test_the_log_tells_how_fast_a_model_was_decoded_alone(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    for tokens_s in (90, 100, 110):
        _answers(studio, tokens_s)
    assert measured_pace(studio.log, "m") == pytest.approx(100)
    _answers(studio, 10, 10)
    _answers(studio, 10, adapter="a")
    _answers(studio, 10, tokens=4)
    assert measured_pace(studio.log, "m") == pytest.approx(100)
    assert measured_pace(studio.log, "another") is None


def _answers(studio: Studio, *tokens_s: float, tokens: int = 51, adapter: str | None = None) -> None:
    """One turn, with as many answers as speeds."""
    now = utc_now()
    conversation = Conversation(new_id(), "Talk", now, now)
    turn = Turn(new_id(), conversation.id, 0, "How long?", now)
    studio.log.conversations.add(conversation)
    studio.log.conversations.add_turn(turn)
    took = [0.5 + (tokens - 1) / one for one in tokens_s]
    said = ("frozen", "Long.", FinishReason.STOP, Given(model_sha256="m", adapter_id=adapter), (), 9, tokens, 0.5)
    studio.log.answers.add([Answer(new_id(), turn.id, *said, latency_s, now) for latency_s in took])
