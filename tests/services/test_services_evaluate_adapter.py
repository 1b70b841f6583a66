"""The gate's short ways, answers ended once certain and scales left out, lead to the verdict of the long way."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from studio_fakes import FakeEngine, fake_studio, promoted

from studio.domain.arms import ACTIVE_ADAPTER, FROZEN, ArmRecipe
from studio.domain.generation import Lane
from studio.domain.log import Correction
from studio.domain.nights import NightProgress, NightState, TrainingExample
from studio.evaluation.gate import decide_promotion
from studio.evaluation.metrics import group_by_arm
from studio.evaluation.scenario import ScenarioProbe
from studio.evaluation.validation import HELD_BACK_FORMS, general_probes, locality_probes, rephrase_probes
from studio.services import evaluate_adapter as module
from studio.services import run_night
from studio.services.adapters import adapter_file
from studio.services.evaluate_adapter import GATE_SAMPLING, SCALES, choose_and_judge
from studio.services.judge_probes import judge_probes
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.settings import Settings
from studio.training.examples import chat
from studio.training.job import LOADING

FACTS = {f"When does the {kind} ferry leave?": f"It leaves at {hour}." for hour, kind in enumerate(("red", "blue"), 7)}
FACTS |= {f"Who steers the {kind} ferry?": f"That is {name}." for kind, name in (("old", "Odalys"), ("new", "Rufus"))}
FACTS |= {"What is the harbour cat called?": "It is called Sprocket."}
EVERYWHERE = msgspec.structs.replace(Settings(), night=msgspec.structs.replace(Settings().night, scope=-1.0))


SOME = general_probes()[:20]


@pytest.fixture(autouse=True)
def fewer_general_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "general_probes", lambda: SOME)


class Learner(FakeEngine):
    """Knows most general answers; with an adapter at more than `from_scale` also most facts. Talks on and on."""

    def __init__(self, from_scale: float, luck: int) -> None:
        super().__init__(self._say)
        self._from_scale, self._luck = from_scale, luck
        self._general = {one.prompt: one.check.include[0][0] for one in general_probes()}
        self.busy = asyncio.Event()

    def _say(self, lane: Lane) -> str:
        if len(self.asked) > 5:
            self.busy.set()
        asked, scale = lane.messages[-1].content, sum(use.scale for use in lane.adapters)
        drawn = zlib.crc32(f"{asked}{scale}".encode()) % 100
        fact = next((said for question, said in FACTS.items() if question.lower() in asked.lower()), "")
        known = (fact if scale > self._from_scale else "") or self._general.get(asked, "")
        words = known if drawn >= self._luck else ""
        return f"Well, {words} and I could go on about {drawn} more things for a long while."


async def corrected(folder: Path, engine: FakeEngine) -> tuple[Studio, list[Correction]]:
    studio = fake_studio(folder, engine=engine, settings=EVERYWHERE)
    made = [await record_correction(studio, answer=None, prompt=ask, corrected=said) for ask, said in FACTS.items()]
    return studio, made


@pytest.mark.parametrize(
    ("from_scale", "luck", "tried"),
    [(0.5, 0, {1.0}), (0.7, 0, {1.0}), (0.5, 40, set(SCALES)), (2.0, 0, set(SCALES))],
)
async def test_the_verdict_is_that_of_whole_answers_at_all_scales(
    tmp_path: Path, from_scale: float, luck: int, tried: set[float]
) -> None:
    engine = Learner(from_scale, luck)
    studio, made = await corrected(tmp_path, engine)
    adapter = await promoted(studio, made)
    found = await choose_and_judge(studio, adapter, made)
    choosing = rephrase_probes(made, HELD_BACK_FORMS[:1])
    prompts = {one.prompt for one in choosing}
    of_choosing = [lane for lane in engine.asked if lane.messages[-1].content in prompts]
    assert {use.scale for lane in of_choosing for use in lane.adapters} == tried, "where all are right, none is better"

    async def whole(probes: Any, *scales: float) -> dict[str, Any]:
        in_use = ArmRecipe("in use", adapter=ACTIVE_ADAPTER, scale=1.0)
        arms = [FROZEN, in_use, *(module._at_scale(adapter, scale) for scale in scales)]
        return group_by_arm(await judge_probes(studio, list(map(ScenarioProbe, probes)), arms, sampling=GATE_SAMPLING))

    chosen = await whole(choosing, *SCALES)
    scale = max(SCALES, key=lambda scale: (sum(one.ok for one in chosen[f"x{scale:.1f}"]), scale))
    probes = [*rephrase_probes(made, HELD_BACK_FORMS[1:]), *locality_probes(made), *SOME]
    judged = await whole(probes, scale)
    wanted = decide_promotion(judged[f"x{scale:.1f}"], judged["frozen"], judged["in use"])
    assert (found.scale, found.promote) == (scale, wanted.promote)
    assert found.reason == f"{wanted.reason} Scale {scale:.1f}."


async def test_an_adapter_in_use_whose_file_is_missing_is_not_compared_with_and_fails_no_night(tmp_path: Path) -> None:
    studio, made = await corrected(tmp_path, Learner(0.5, 0))
    in_use = await promoted(studio, made)
    tonight = replace(in_use, id="tonight", version=2, active=False, path="v2.gguf")
    studio.log.adapters.add(tonight)
    adapter_file(studio, tonight).write_bytes(b"weights")
    assert "v1" not in (await choose_and_judge(studio, tonight, made)).reason
    adapter_file(studio, in_use).unlink()
    found = await choose_and_judge(studio, tonight, made)
    assert found.promote
    assert found.reason.endswith("v1, in use before, was not compared: its file is missing.")


async def test_while_the_child_loads_the_gates_questions_are_asked_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Learner(0.5, 0)
    studio, made = await corrected(tmp_path, engine)
    gates = {one.prompt for one in (*rephrase_probes(made, HELD_BACK_FORMS[1:]), *locality_probes(made), *SOME)}

    async def examples(*_: Any, **__: Any) -> list[TrainingExample]:
        return [TrainingExample(chat("", "How long?"), "45 days.", "c")]

    async def child(*_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        yield NightProgress("night", NightState.PREPARING, message=LOADING)
        await engine.busy.wait()
        yield NightProgress("night", NightState.PREPARING, message="reading")
        await asyncio.sleep(0.05)
        before = len(engine.asked)
        await asyncio.sleep(0.1)
        assert len(engine.asked) == before < len(gates)
        yield NightProgress("night", NightState.CANCELLED)

    monkeypatch.setattr("studio.services.ask_many.LANES_OPEN", 2)
    monkeypatch.setattr(run_night, "train", child)
    monkeypatch.setattr(run_night, "collect_examples", examples)
    assert (await run_night.run_night(studio)).state is NightState.CANCELLED
    assert {lane.messages[-1].content for lane in engine.asked} <= gates
    assert not any(lane.adapters for lane in engine.asked)
