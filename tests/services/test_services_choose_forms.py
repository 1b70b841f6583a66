"""What a model reads best is measured: the better form is chosen, a tie keeps the default, damage harms nothing."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from made_reader import make_reader
from studio_fakes import FakeEngine, fake_studio

from studio.bootstrap import build_throwaway
from studio.domain.arms import CONTEXT, LESSONS, READER_LESSONS, ArmRecipe
from studio.domain.generation import ChatMessage, Lane, Role, Sampling
from studio.errors import MachineError, ModelError
from studio.evaluation.forms_exam import exam_facts, exam_general
from studio.evaluation.judging import judge
from studio.evaluation.statistics import chance_of_gain
from studio.prompting.prompt_forms import DEFAULT_FORMS, LessonForm, PromptForms, ShownForm
from studio.services.choose_forms import choose_forms
from studio.services.examine import examine
from studio.services.learn_lessons import learn_lesson
from studio.services.measured_forms import forms_of, measured_forms
from studio.services.prepare_lanes import PreparedLane, Question, prepare_lanes
from studio.services.record_correction import record_correction
from studio.services.studio import Studio
from studio.settings import PromptSettings, Settings
from studio.tui.widgets.given import describe_given

FACTS = exam_facts()
REWORDED = {probe.prompt: fact.answer for fact in FACTS for probe in fact.probes[:-1]}
NEAR = {fact.probes[-1].prompt: fact.answer for fact in FACTS}
GENERAL = {probe.prompt: probe.check.include[0][0] for probe in exam_general()}
QUESTION = "What is the refund window at our store?"
IN_OTHER_WORDS = "At our store, what is the refund window?"

Reads = Callable[[Lane, str], bool]


def question_of(lane: Lane) -> str:
    """The exam's question in a prompt of any form."""
    last = lane.messages[-1].content
    return next((one for one in (*REWORDED, *NEAR, *GENERAL) if one in last), "")


def in_system(lane: Lane, answer: str) -> bool:
    return lane.messages[0].role is Role.SYSTEM and answer in lane.messages[0].content


def anywhere(lane: Lane, answer: str) -> bool:
    return any(answer in message.content for message in lane.messages)


def model(reads: Reads, leaks: Reads = lambda lane, answer: False) -> FakeEngine:
    """Knows the everyday questions, and a fact where `reads`; repeats it to near-by questions where `leaks`."""

    def reply(lane: Lane) -> str:
        question = question_of(lane)
        if (fact := REWORDED.get(question)) is not None:
            return fact if reads(lane, fact) else "I do not know."
        if (fact := NEAR.get(question)) is not None:
            return fact if leaks(lane, fact) else "Something else."
        return GENERAL.get(question, "I do not know.")

    return FakeEngine(reply)


async def taught(studio: Studio) -> Studio:
    correction = await record_correction(
        studio, answer=None, prompt=QUESTION, original="It is unknown.", corrected="45 days."
    )
    await learn_lesson(studio, correction)
    return studio


async def asked(studio: Studio, recipe: ArmRecipe) -> PreparedLane:
    (prepared,) = await prepare_lanes(studio, Question(IN_OTHER_WORDS), [recipe], Sampling())
    return prepared


async def test_the_only_form_that_is_read_is_chosen_kept_and_used_but_not_where_the_reader_reads(
    tmp_path: Path,
) -> None:
    studio = await taught(fake_studio(tmp_path, engine=model(in_system)))
    before = await asked(studio, LESSONS)
    stages: set[str] = set()
    measured = await choose_forms(studio, lambda stage, done, total: stages.add(stage))
    assert measured.forms == PromptForms(LessonForm.SYSTEM, ShownForm.TWICE)
    system = next(one for one in measured.lessons if one.form == "system")
    assert (system.right, system.asked, system.leaks, system.kept, system.chosen) == (48, 48, 0, 24, True)
    assert system.gain == 48
    assert len(stages) == 8
    (file,) = studio.workspace.prompt_forms.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    now = await asked(studio, LESSONS)
    assert "45 days." in now.lane.messages[0].content
    assert now.lane.messages[-1].content == IN_OTHER_WORDS
    assert (before.given.prompt_form, now.given.prompt_form) == ("", "system")
    assert "form system" in describe_given(now.given)
    assert (await asked(studio, CONTEXT)).given.prompt_form == ""
    demonstration = build_throwaway(tmp_path / "demo", studio)
    assert await forms_of(demonstration) == measured.forms

    make_reader(studio.workspace.readers)
    reading = await asked(studio, READER_LESSONS)
    assert reading.lane.messages == (before.lane.messages[0], before.lane.messages[-1])
    assert reading.given.prompt_form == ""


async def test_a_tie_keeps_the_default(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=model(anywhere))
    measured = await choose_forms(studio)
    assert measured.forms == DEFAULT_FORMS
    assert {one.right for one in (*measured.lessons, *measured.context)} == {48}
    assert [one.form for one in measured.lessons if one.chosen] == ["shown"]


async def test_a_few_more_right_may_be_chance(tmp_path: Path) -> None:
    lucky = {fact.answer for fact in FACTS[:4]}

    def reads(lane: Lane, answer: str) -> bool:
        return in_system(lane, answer) if answer in lucky else anywhere(lane, answer)

    measured = await choose_forms(fake_studio(tmp_path, engine=model(reads)))
    assert next(one.gain for one in measured.lessons if one.form == "system") == 8
    assert measured.forms == DEFAULT_FORMS


async def test_of_forms_read_alike_the_one_that_leaks_less_is_chosen(tmp_path: Path) -> None:
    def leaks(lane: Lane, answer: str) -> bool:
        return any(answer in lane.messages[end].content for end in (0, -1))

    measured = await choose_forms(fake_studio(tmp_path, engine=model(anywhere, leaks)))
    assert measured.lesson is LessonForm.TURN
    assert [one.leaks for one in measured.lessons] == [24, 24, 24, 0, 24]


async def test_corrections_are_shown_once_where_twice_confuses(tmp_path: Path) -> None:
    once: Reads = lambda lane, answer: sum(answer in message.content for message in lane.messages) == 1  # noqa: E731
    studio = await taught(fake_studio(tmp_path, engine=model(once)))
    assert (await choose_forms(studio)).corrections is ShownForm.ONCE
    prepared = await asked(studio, CONTEXT)
    assert prepared.given.prompt_form == "once"
    assert sum("45 days." in message.content for message in prepared.lane.messages) == 1


async def test_a_form_that_the_template_refuses_is_not_chosen(tmp_path: Path) -> None:
    class Picky(FakeEngine):
        async def count_prompt_tokens(self, prompts: object) -> list[int]:
            counted: list[tuple[ChatMessage, ...]] = list(prompts)  # type: ignore[call-overload]
            if any(prompt[0].role is Role.SYSTEM for prompt in counted):
                raise ModelError("The model's chat template refused this conversation: no system role.")
            return await super().count_prompt_tokens(counted)

    settings = Settings(prompt=PromptSettings(system=""))
    studio = fake_studio(tmp_path, engine=Picky(model(anywhere).reply), settings=settings)
    measured = await choose_forms(studio)
    refused = next(one for one in measured.lessons if one.form == "system")
    assert "no system role" in refused.refused
    assert measured.forms == DEFAULT_FORMS


async def test_a_second_time_nothing_is_asked_anew(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=model(anywhere))
    await choose_forms(studio)
    assert isinstance(studio.engine, FakeEngine)
    asked_before = len(studio.engine.asked)
    await choose_forms(studio)
    assert len(studio.engine.asked) == asked_before


async def test_a_damaged_file_is_told_and_the_default_holds(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, engine=model(in_system))
    whole = msgspec.json.encode(await choose_forms(studio))
    (file,) = studio.workspace.prompt_forms.iterdir()
    for content, words in (
        (b"{", "it is damaged"),
        (whole.replace(b'"lesson":"system"', b'"lesson":"sideways"'), "it is damaged"),
        (whole.replace(b"f" * 64, b"e" * 64), "another model's"),
        (b"\xff" * 2_000_000, "it is damaged"),
    ):
        file.write_bytes(content)
        assert await forms_of(studio) == DEFAULT_FORMS
        (finding,) = [one for one in await examine(studio) if one.what == "prompt forms"]
        assert not finding.ok
        assert words in finding.detail
        assert "studio models measure" in finding.detail
    file.unlink()
    file.mkdir()
    assert await forms_of(studio) == DEFAULT_FORMS
    with pytest.raises(MachineError, match="cannot be written"):
        await choose_forms(studio)


async def test_a_model_that_was_not_measured_has_the_default_and_doctor_says_how_to(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    facts = await studio.model()
    assert measured_forms(studio, facts.sha256) is None
    assert await forms_of(studio) == DEFAULT_FORMS
    (finding,) = [one for one in await examine(studio) if one.what == "prompt forms"]
    assert finding.ok
    assert "studio models measure" in finding.detail


def test_the_exam_can_be_passed_and_its_near_by_questions_can_leak() -> None:
    assert len(FACTS) == 24
    assert len({fact.check.include for fact in FACTS}) == 24
    for fact in FACTS:
        *reworded, near = fact.probes
        assert len(reworded) == 2
        assert all(judge(fact.answer, probe.check).ok for probe in reworded)
        assert not judge(fact.answer, near.check).ok
        assert not any(judge(probe.prompt, fact.check).ok for probe in fact.probes)


def test_a_gain_is_weighed_against_chance() -> None:
    assert chance_of_gain([]) == 1
    assert chance_of_gain([0, 0]) == 1
    assert chance_of_gain([1] * 5) == 1 / 32
    assert chance_of_gain([1, -1]) == 0.75
    assert chance_of_gain([2, 1, 1]) == 1 / 8
