"""How well rules of style are kept: `python -m benchmarks styles`.

Of the corrections of style in benchmarks/data, each scenario with all its lessons in force at the end, and of families
of styles, every wording of a rule a correction of its own:

- whether it is filed as a rule, and to how many questions its lesson is given: where the rule holds (unseen questions),
  near by, and in general; `now`, and by likeness alone, `before` rules had scopes;
- how many answers to unseen questions keep the rule: of the model as shipped (`frozen`), with the lesson found by
  likeness and put as a note (`before`), and as it is found and put `now`. Checks of families: style_checks.toml. The
  same of the answers to general questions and to those about facts that a rule is now given beside: are they right?

The words of scopes were chosen on the scenarios and on the reader's families (`old`); the `new` ones,
style_families.toml, were written afterwards. Of style_scopes.toml, `always` are rules in whose words a whole sort of
question is asked for, `once` rules in whose words it is not; general questions (the gate's, and those that nights
replay) are asked with all rules of one world in force.
"""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reader import Chat, answers
from benchmarks.retrieval import DATA, index_of
from studio.bootstrap import build_studio
from studio.domain.checks import Check
from studio.domain.identity import utc_now
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson, ScopeKind
from studio.domain.log import Correction
from studio.evaluation.judging import judge
from studio.evaluation.scenario import CorrectionKind, Scenario
from studio.evaluation.scenario_file import load_scenario
from studio.evaluation.validation import general_probes
from studio.lessons.distil import distil, lesson_keys
from studio.lessons.retrieve import LessonIndex
from studio.prompting.assemble import chat
from studio.prompting.lesson_form import asked, turns_shown, with_lessons
from studio.services.find_lessons import RULES_GIVEN
from studio.services.studio import Studio
from studio.training.examples import replay_prompts
from studio.training.lesson_finding import reader_tables
from studio.workspace import Workspace

_BROAD = (ScopeKind.EVERY, ScopeKind.QUESTIONS, ScopeKind.OPEN, ScopeKind.FACTS, ScopeKind.TEXTS)
_ANSWERED_OF_A_FAMILY = slice(2, None, 3)
_HERE = Path(__file__).parent
_NEW, _SCOPES = "style_families.toml", "style_scopes.toml"
_HOLDS = "where the rule holds"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the rule that holds for it (none: any counts), and how its answer is told to keep the rule."""

    group: str
    text: str
    rule: str = ""
    check: Check | None = None


def main() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        counts = asyncio.run(_measure(Path(folder)))
    return {name: sum(held) / len(held) for name, held in sorted(counts.items())}


async def _measure(folder: Path) -> Mapping[str, list[bool]]:
    studio = build_studio(Workspace(folder).ensure())
    counts: defaultdict[str, list[bool]] = defaultdict(list)
    judged: list[tuple[str, Check, Chat]] = []
    try:
        await studio.model()
        for path in sorted(DATA.iterdir()):
            scenario = load_scenario(path)
            index = await index_of(scenario.in_force(scenario.days[-1]), studio.embedder)
            judged += await _ask(studio, index, _of_scenario(scenario), counts)
        for lesson_index, questions, filed in [one async for one in _families(studio)]:
            counts[f"{questions[0].group.partition(',')[0]}: filed as a rule"].append(filed)
            judged += await _ask(studio, lesson_index, questions, counts)
        for world_index, questions in [one async for one in _worlds(studio)]:
            judged += await _ask(studio, world_index, questions, counts)
        texts = await answers(studio, [(prompt, ()) for _, _, prompt in judged])
    finally:
        await studio.close()
    for name, check, prompt in judged:
        counts[name].append(judge(texts[prompt, ()], check).ok)
    return counts


async def _ask(
    studio: Studio, index: LessonIndex, questions: Sequence[Asked], counts: Mapping[str, list[bool]]
) -> list[tuple[str, Check, Chat]]:
    """Count what is given to each; returns the prompts whose answers are to be judged, with their figures' names."""
    wanted, judged = studio.settings.prompt, []
    vectors = await studio.embedder.embed([one.text for one in questions])
    for one, vector in zip(questions, vectors, strict=True):
        k, threshold = wanted.lessons_given, wanted.lessons_threshold
        before = index.retrieve(one.text, vector, k=k, threshold=threshold)
        now = index.fitting(one.text, vector, k=k, threshold=threshold, rules=RULES_GIVEN)
        counts[f"{one.group}: given before"].append(_given(before, one.rule))
        counts[f"{one.group}: given now"].append(_given(now, one.rule))
        # Of facts and general questions only those are asked that a rule is given beside.
        if one.check is not None and (one.rule or _given(now, "")):
            for arm, prompt in (
                ("frozen", chat(wanted.system, (), one.text)),
                ("before", chat(wanted.system, (), with_lessons(one.text, before))),
                ("now", chat(wanted.system, turns_shown(now), asked(one.text, now))),
            ):
                judged.append(
                    (f"{one.group}: {'kept' if one.rule else 'right beside a rule'}, {arm}", one.check, prompt)
                )
    return judged


def _given(lessons: Sequence[RetrievedLesson], rule: str) -> bool:
    found = [one.lesson for one in lessons]
    return any(lesson.id == rule if rule else lesson.kind is LessonKind.STYLE for lesson in found)


def _of_scenario(scenario: Scenario) -> list[Asked]:
    questions = [Asked("scenarios, general", probe.prompt, check=probe.check) for probe in scenario.general]
    for one in scenario.in_force(scenario.days[-1]):
        if one.kind is CorrectionKind.FACT:
            questions += [Asked("scenarios, rewordings of facts", text, check=one.check) for text in one.rephrase]
            for use in (*one.portability, *one.transfer):
                questions.append(Asked("scenarios, uses of facts", use.prompt, check=use.check))
            questions += [Asked("scenarios, near by facts", near.prompt) for near in one.locality]
            continue
        questions += [Asked(f"scenarios, {_HOLDS}", text, one.id, one.check) for text in one.rephrase]
        questions += [Asked(f"scenarios, {_HOLDS}", use.prompt, one.id, use.check) for use in one.transfer]
        questions += [Asked("scenarios, about the rule", use.prompt, one.id) for use in one.portability]
        questions += [Asked("scenarios, near by", near.prompt, one.id) for near in one.locality]
    return questions


async def _families(studio: Studio) -> AsyncIterator[tuple[LessonIndex, list[Asked], bool]]:
    """Each wording of each rule alone in a memory, its questions, and whether it was filed as a rule."""
    written_before = [("old", table) for _, table in reader_tables() if table["kind"] == "style"]
    new = [("new", table) for table in _tables(_NEW)] + [(table["said"], table) for table in _tables(_SCOPES)]
    for half, table in (*written_before, *new):
        name, check = table["id"], _check_of(table)
        for wording in range(len(table["rows"])):
            lesson = _lesson_of(table, wording)
            index = LessonIndex()
            index.add(lesson, await studio.embedder.embed(lesson_keys(lesson)))
            held = [use if isinstance(use, str) else use["q"] for use in table["applies"]]
            asked_for = held[_ANSWERED_OF_A_FAMILY] if half == "old" else held
            answered = asked_for if wording == 0 and check != Check() else ()
            breadth = "broad" if lesson.scope.kind in _BROAD else "narrow"
            questions = [
                Asked(f"{half} families, {_HOLDS}", text, name, check if text in answered else None) for text in held
            ]
            questions += [Asked(f"{half} families, near by {breadth} rules", text, name) for text in table["near"]]
            yield index, questions, lesson.kind is LessonKind.STYLE


async def _worlds(studio: Studio) -> AsyncIterator[tuple[LessonIndex, list[Asked]]]:
    """The first wordings of all rules of a world in one memory, and general questions."""
    worlds: defaultdict[str, list[Lesson]] = defaultdict(list)
    for table in _tables(_SCOPES):
        worlds[f"{table['said']}, the world of a {table['world']}"].append(_lesson_of(table, 0))
    for world, lessons in worlds.items():
        index = LessonIndex()
        for lesson in lessons:
            index.add(lesson, await studio.embedder.embed(lesson_keys(lesson)))
        plain = [Asked(f"{world}, general", probe.prompt, check=probe.check) for probe in general_probes()]
        yield index, plain + [Asked(f"{world}, replayed", text) for text in replay_prompts()]


def _lesson_of(table: Mapping[str, Any], wording: int) -> Lesson:
    rule, now = table["rows"][wording]["rule"], utc_now()
    correction = Correction(
        table["id"], table["ask"][0], table["answer"][0], "", now, Check(), rationale=rule[0].upper() + rule[1:]
    )
    return distil(correction, lesson_id=table["id"], at=now)


def _check_of(table: Mapping[str, Any]) -> Check:
    with (_HERE / "style_checks.toml").open("rb") as file:
        checks = tomllib.load(file)
    return Check(
        pattern=table.get("pattern") or checks["pattern"].get(table["id"]),
        max_words=table.get("max_words") or checks["max_words"].get(table["id"]),
    )


def _tables(name: str) -> list[Mapping[str, Any]]:
    tables: list[Mapping[str, Any]] = tomllib.loads((_HERE / name).read_text(encoding="utf-8"))["family"]
    return tables
