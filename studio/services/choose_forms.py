"""The exam that finds in which form the running model reads lessons best, held once: measured, not assumed by size.

Each form is given the same questions: rewordings of invented facts with the right lesson (in the context arm: with all
of them), near-by questions with that lesson wrongly given, which must not leak, and everyday questions that the model
gets right without. What is answered rightly counts a point; what leaks or is lost takes one away, or less where the
lesson that does the harm would seldom have been given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from statistics import fmean

from msgspec import structs

from studio.domain.arms import Memory
from studio.domain.generation import Completion, Lane, Sampling
from studio.domain.identity import utc_now
from studio.domain.lessons import RetrievedLesson
from studio.domain.log import Correction
from studio.domain.nights import Probe, ProbeKind
from studio.domain.progress import Progress, unheard
from studio.errors import EngineError, ModelError
from studio.evaluation.checks import judge
from studio.evaluation.forms_exam import EXAM, exam_facts, exam_general
from studio.evaluation.statistics import chance_of_gain
from studio.lessons.distil import distil
from studio.prompting.assemble import PromptRequest
from studio.prompting.prompt_forms import DEFAULT_FORMS, IN_WORDS, LessonForm, PromptForms, ShownForm
from studio.services.ask_many import decode_kept
from studio.services.measured_forms import FormResult, MeasuredForms, keep_measured
from studio.services.prepare_lanes import fitted
from studio.services.studio import Studio, off_loop

EXAM_SAMPLING = Sampling(max_tokens=32)
"""What is right is said within so many tokens (docs/night.md)."""
CHANCE = 0.05
"""A gain over the default counts where it is less likely than this by chance; divided among the alternatives."""
SELDOM = 1 / 8
"""What a harm of a lesson weighs. The exam gives a wrong lesson as often as a right one; retrieval gives one in some
.03 of near-by and .01 of general questions, and the right one in .8 (docs/lessons.md). What the context arm shows is
always there."""
EVERYDAY = "everyday questions"
"""The first stage, as it is told to whoever watches; the others are the forms in words."""


@dataclass(frozen=True, slots=True)
class _Sat:
    """One form in the exam: which of the probes came out as they should, and the tokens of a prompt."""

    form: str
    came_out: tuple[bool, ...] = ()
    tokens: float = 0.0
    refused: str = ""


async def choose_forms(studio: Studio, progress: Progress = unheard) -> MeasuredForms:
    """Examine the running model, keep the result, and return it; from then on prompts have the forms chosen.

    At idle priority; a minute or two for a small model. Cancelled, it keeps the answers and goes on from there the next
    time. Raises ModelError, EngineError, MachineError.
    """
    facts = await studio.model()
    exam = exam_facts()
    corrections = {
        one.id: Correction(one.id, one.ask, one.answer, "", utc_now(), one.check, labels=("fact",)) for one in exam
    }
    known = await _known_without(studio, progress)
    # Each with a lesson wrongly given, no lesson with more than one.
    general = [replace(probe, correction_id=own) for probe, own in zip(known, corrections, strict=False)]
    probes = [*(probe for one in exam for probe in one.probes), *general]
    sitting = _Sitting(studio, probes, corrections, progress)
    lessons = [await sitting.sit(form, PromptForms(lesson=form), Memory.LESSONS) for form in LessonForm]
    context = [await sitting.sit(form, PromptForms(corrections=form), Memory.CONTEXT) for form in ShownForm]
    if studio.engine.facts is None or studio.engine.facts.sha256 != facts.sha256:
        raise EngineError("Another model answers now, so the measurement was given up.", "Start it anew.")
    by_lesson, by_shown = _figures(probes, lessons, SELDOM), _figures(probes, context, 1.0)
    measured = MeasuredForms(
        model_sha256=facts.sha256,
        model_name=facts.name,
        exam=EXAM,
        measured_at=utc_now(),
        lesson=LessonForm(next(one.form for one in by_lesson if one.chosen)),
        corrections=ShownForm(next(one.form for one in by_shown if one.chosen)),
        lessons=by_lesson,
        context=by_shown,
    )
    await off_loop(keep_measured, studio, measured)
    return measured


async def _known_without(studio: Studio, progress: Progress) -> list[Probe]:
    """The everyday questions that the model gets right without being told anything."""
    probes = exam_general()
    requests = [PromptRequest(probe.prompt, system=studio.settings.prompt.system) for probe in probes]
    answers, _ = await _ask(studio, requests, EVERYDAY, progress)
    return [probe for probe, said in zip(probes, answers, strict=True) if judge(said, probe.check).ok]


@dataclass(frozen=True, slots=True)
class _Sitting:
    """The probes, each of which names the correction whose lesson goes with it."""

    studio: Studio
    probes: Sequence[Probe]
    corrections: Mapping[str, Correction]
    progress: Progress

    async def sit(self, form: LessonForm | ShownForm, forms: PromptForms, memory: Memory) -> _Sat:
        """Ask every probe in one form. Only a form other than the default may be refused by the model's template."""
        requests = [self._request(probe, forms, memory) for probe in self.probes]
        try:
            answers, tokens = await _ask(self.studio, requests, IN_WORDS[form], self.progress)
        except ModelError as error:
            if forms == DEFAULT_FORMS:
                raise
            return _Sat(form, refused=error.message)
        came_out = (judge(said, probe.check).ok for said, probe in zip(answers, self.probes, strict=True))
        return _Sat(form, tuple(came_out), tokens)

    def _request(self, probe: Probe, forms: PromptForms, memory: Memory) -> PromptRequest:
        own = self.corrections[probe.correction_id or ""]
        lesson = distil(own, lesson_id=own.id, at=own.created_at)
        return PromptRequest(
            probe.prompt,
            memory,
            self.studio.settings.prompt.system,
            corrections=tuple(self.corrections.values()),
            lessons=(RetrievedLesson(lesson, 1.0, 1),),
            forms=forms,
        )


async def _ask(
    studio: Studio, requests: Sequence[PromptRequest], stage: str, progress: Progress
) -> tuple[list[str], float]:
    """The answers, in the order of the requests, and the mean length of the prompts in tokens."""
    facts = await studio.model()
    prepared = [await fitted(studio, facts, request, EXAM_SAMPLING) for request in requests]
    lanes = [Lane("", one.messages, sampling=EXAM_SAMPLING) for one in prepared]
    answered: dict[Lane, Completion] = {}
    different = list(dict.fromkeys(lanes))
    progress(stage, 0, len(different))
    async with aclosing(decode_kept(studio, different)) as decoded:
        async for lane, completion in decoded:
            answered[lane] = completion
            progress(stage, len(answered), len(different))
    return [answered[lane].text for lane in lanes], fmean(one.prompt_tokens for one in prepared)


def _figures(probes: Sequence[Probe], sat: Sequence[_Sat], harm: float) -> tuple[FormResult, ...]:
    """Every form against the first, which is the default; one of them is chosen. A harm weighs `harm` points.

    Of those that gain by more than chance the one that gains most, of equals the one with the shorter prompts; where
    none does, the default. The unit is the fact, with all its questions.
    """
    default, *others = sat
    results = [_counted(probes, default), *(_against(probes, one, default, harm) for one in others)]
    better = [one for one in results if one.chance is not None and one.chance < CHANCE / len(others)]
    best = max(better, key=lambda one: (one.gain or 0, -one.tokens), default=results[0])
    return tuple(structs.replace(one, chosen=one is best) for one in results)


def _against(probes: Sequence[Probe], one: _Sat, default: _Sat, harm: float) -> FormResult:
    if one.refused:
        return FormResult(form=one.form, refused=one.refused)
    gains = dict.fromkeys((probe.correction_id for probe in probes), 0.0)
    for probe, now, before in zip(probes, one.came_out, default.came_out, strict=True):
        gains[probe.correction_id] += (now - before) * (1.0 if probe.kind is ProbeKind.REPHRASE else harm)
    chance = chance_of_gain([round(gain / harm) for gain in gains.values()])
    return structs.replace(_counted(probes, one), gain=sum(gains.values()), chance=chance)


def _counted(probes: Sequence[Probe], one: _Sat) -> FormResult:
    came_out = list(zip(probes, one.came_out, strict=True))
    right, near, general = (
        [ok for probe, ok in came_out if probe.kind is kind]
        for kind in (ProbeKind.REPHRASE, ProbeKind.LOCALITY, ProbeKind.GENERAL)
    )
    return FormResult(
        form=one.form,
        right=sum(right),
        asked=len(right),
        leaks=len(near) - sum(near),
        near=len(near),
        kept=sum(general),
        general=len(general),
        tokens=round(one.tokens, 1),
    )
