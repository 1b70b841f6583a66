"""What a reader is worth: `python -m benchmarks reader --adapter FILE`.

Of the scenarios in benchmarks/data, each with its lessons in force at the end: every probe is answered with lessons,
without the adapter (`lessons`) and with it (`reader`). Once with the probe's own lesson forced on it, which measures
reading alone, near-by prompts included (`own`); once with what retrieval finds (`found`). Locality and retention are
against the model as shipped (`frozen`). As in the product to be, the adapter is attached where a lesson is given.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.retrieval import DATA, index_of
from studio.bootstrap import build_studio
from studio.domain.generation import AdapterUse, ChatMessage, Lane, LaneFailed, LaneFinished
from studio.domain.lessons import RetrievedLesson
from studio.domain.nights import Probe
from studio.evaluation.judging import judge
from studio.evaluation.metrics import BASELINE, ProbeRecord, measure_arms
from studio.evaluation.scenario import Scenario, ScenarioProbe
from studio.evaluation.scenario_file import load_scenario
from studio.prompting.assemble import chat
from studio.prompting.lesson_form import asked as asked_with
from studio.prompting.lesson_form import turns_shown
from studio.services.find_lessons import RULES_GIVEN
from studio.services.judge_probes import PROBE_SAMPLING
from studio.services.studio import Studio
from studio.workspace import Workspace

MEASURES = ("reliability", "rephrase", "portability", "transfer", "locality", "retention")
ANSWERED_AT_ONCE = 40

Chat = tuple[ChatMessage, ...]
Prompt = tuple[Chat, tuple[AdapterUse, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One probe as one arm is asked it. `kind` is the correction's, 'fact' or 'style'; 'general' has none."""

    arm: str
    kind: str
    probe: ScenarioProbe
    prompt: Prompt


def main(adapter: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(AdapterUse(adapter.resolve()), sorted(DATA.iterdir()), Path(folder)))


async def _measure(adapter: AdapterUse, scenarios: Sequence[Path], folder: Path) -> dict[str, float]:
    studio = build_studio(Workspace(folder).ensure())
    try:
        await studio.model()
        asked = [one for path in scenarios for one in await _asked(studio, load_scenario(path), path.name, adapter)]
        texts = await answers(studio, [one.prompt for one in asked])
    finally:
        await studio.close()
    figures: dict[str, float] = {}
    for kind in ("fact", "style"):
        records = [_record(one, texts[one.prompt]) for one in asked if one.kind in (kind, "general")]
        for arm, measures in measure_arms(records).items():
            for name in MEASURES:
                if (value := measures[name].mean) is not None and not (kind == "style" and name == "retention"):
                    figures[f"{kind}, {name}: {arm}"] = value
    return figures


async def _asked(studio: Studio, scenario: Scenario, name: str, adapter: AdapterUse) -> list[Asked]:
    """Every probe for every arm. Lessons that are the same make the same prompt, which is answered once."""
    corrections = scenario.in_force(scenario.days[-1])
    kinds = {one.id: one.kind.value for one in corrections}
    index = await index_of(corrections, studio.embedder)
    lessons = {lesson.id: lesson for lesson in index.lessons()}
    probes = [probe for probe in scenario.probes(scenario.days[-1]) if probe.probe.correction_id in kinds]
    probes += [ScenarioProbe(probe) for probe in scenario.general]
    vectors = await studio.embedder.embed([probe.probe.prompt for probe in probes])
    wanted, asked = studio.settings.prompt, []
    for probe, vector in zip(probes, vectors, strict=True):
        question, owner = probe.probe.prompt, probe.probe.correction_id
        own = [RetrievedLesson(lessons[owner], 1.0, 1)] if owner else []
        k, threshold = wanted.lessons_given, wanted.lessons_threshold
        found = index.fitting(question, vector, k=k, threshold=threshold, rules=RULES_GIVEN)
        for arm, given, uses in (
            (BASELINE, [], ()),
            ("lessons, own", own, ()),
            ("reader, own", own, (adapter,)),
            ("lessons, found", found, ()),
            ("reader, found", found, (adapter,)),
        ):
            prompt = chat(wanted.system, turns_shown(given), asked_with(question, given)), uses if given else ()
            named = ScenarioProbe(_named(probe, name), probe.superseded, probe.day)
            asked.append(Asked(arm, kinds.get(owner or "", "general"), named, prompt))
    return asked


def _named(probe: ScenarioProbe, scenario: str) -> Probe:
    """Ids are unique within a scenario only."""
    owner = probe.probe.correction_id
    return replace(
        probe.probe, id=f"{scenario}/{probe.probe.id}", correction_id=f"{scenario}/{owner}" if owner else None
    )


async def answers(studio: Studio, prompts: Sequence[Prompt]) -> dict[Prompt, str]:
    """The model's answer to each, those that are the same once."""
    texts: dict[Prompt, str] = {}
    # Those of one adapter together: only they share a batch.
    ordered = sorted(dict.fromkeys(prompts), key=lambda prompt: (len(prompt[1]), len(prompt[0][-1].content)))
    for start in range(0, len(ordered), ANSWERED_AT_ONCE):
        together = ordered[start : start + ANSWERED_AT_ONCE]
        lanes = [Lane(str(i), messages, uses, PROBE_SAMPLING) for i, (messages, uses) in enumerate(together)]
        async for event in studio.engine.generate(lanes):
            if isinstance(event, LaneFailed):
                raise SystemExit(f"{event.message} {event.hint}")
            if isinstance(event, LaneFinished):
                texts[together[int(event.key)]] = event.completion.text
    return texts


def _record(asked: Asked, text: str) -> ProbeRecord:
    probe = asked.probe.probe
    verdict = judge(text, probe.check)
    return ProbeRecord(probe.id, probe.kind, asked.arm, probe.correction_id, text, verdict.score, verdict.ok)
