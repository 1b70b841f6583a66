"""From arms and a question to lanes the engine can decode, with the provenance of what each was given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio.domain.arms import ArmRecipe, Memory
from studio.domain.generation import ChatMessage, Lane, ModelFacts, Priority, Sampling
from studio.domain.lessons import RetrievedLesson
from studio.domain.log import Correction, Given, GivenLesson
from studio.domain.nights import Adapter
from studio.errors import AdapterError, EmbedderError
from studio.prompting.assemble import Assembly, PromptRequest, assemble, prompts_to_count
from studio.prompting.prompt_forms import DEFAULT_FORMS, READING_FORMS, PromptForms
from studio.services.adapter_scope import EVERYWHERE, nearness, scope_of, scope_threshold
from studio.services.adapters import adapter_elsewhere, adapter_of, adapter_use
from studio.services.find_lessons import current_index, fitting_lessons
from studio.services.measured_forms import forms_of
from studio.services.reader import Reader, reader_of
from studio.services.standing_corrections import standing_corrections
from studio.services.studio import Studio, off_loop
from studio.training.architectures import why_untrained

if TYPE_CHECKING:
    from studio.lessons.retrieve import LessonIndex

FEWEST_ANSWER_TOKENS = 64
"""Room kept free for the answer, whatever the prompt holds."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the messages before it. `system` None takes the setting's system message."""

    prompt: str
    history: tuple[ChatMessage, ...] = ()
    system: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedLane:
    lane: Lane
    given: Given


@dataclass(frozen=True, slots=True)
class Briefing:
    """What the arms can be given at one moment, read once for however many questions."""

    facts: ModelFacts
    corrections: tuple[Correction, ...]
    adapters: dict[str, Adapter | None]
    index: LessonIndex | None
    scopes: dict[str, LessonIndex | None]  # by arm, where its adapter answers only what is near; None: unknown
    reader: Reader | str  # or why there is none
    elsewhere: dict[str, str]  # by arm, where the adapter it means is another model's: a sentence
    measured: PromptForms = DEFAULT_FORMS  # what the model reads best

    def looks_up(self, recipe: ArmRecipe) -> bool:
        """Whether the arm's questions are embedded."""
        return self.scopes.get(recipe.name) is not None or (recipe.memory is Memory.LESSONS and self.index is not None)

    def forms(self, recipe: ArmRecipe) -> PromptForms:
        """In which forms the arm is given what it remembers. A reader is given what it was trained on."""
        return READING_FORMS if recipe.reader and isinstance(self.reader, Reader) else self.measured


async def brief(studio: Studio, arms: Collection[ArmRecipe]) -> Briefing:
    """Read what these arms need. Raises ModelError, and AdapterError where an arm's adapter is gone.

    Where lessons cannot be looked up, or there is no reader, the arms answer without, and their notes say so.
    """
    facts = await studio.model()
    memories = {recipe.memory for recipe in arms}
    adapters = {recipe.name: await adapter_of(studio, recipe) for recipe in arms}
    needed = Memory.CONTEXT in memories or any(adapters.values())
    corrections = tuple(await off_loop(standing_corrections, studio.log)) if needed else ()
    index = await current_index(studio) if Memory.LESSONS in memories else None
    scopes: dict[str, LessonIndex | None] = {}
    for recipe in arms:
        adapter = adapters[recipe.name]
        if adapter is not None and scope_threshold(studio, recipe) > EVERYWHERE:
            with suppress(EmbedderError):  # the notes will say so
                scopes[recipe.name] = None
                scopes[recipe.name] = await scope_of(studio, adapter, corrections)
    reader: Reader | str = ""
    if any(recipe.reader for recipe in arms):
        try:
            reader = await reader_of(studio)
        except AdapterError as error:
            reader = f"Answered without a reader. {error}"
    wanting = [recipe for recipe in arms if recipe.uses_adapter and adapters[recipe.name] is None]
    elsewhere = {recipe.name: await adapter_elsewhere(studio, recipe) for recipe in wanting}
    return Briefing(facts, corrections, adapters, index, scopes, reader, elsewhere, await forms_of(studio))


async def prepare_lanes(
    studio: Studio, question: Question, arms: Sequence[ArmRecipe], sampling: Sampling
) -> list[PreparedLane]:
    """One lane per arm, in their order; its key is the arm's name.

    Raises PromptTooLongError where the question alone does not fit the context, and as `brief` does.
    """
    briefing = await brief(studio, arms)
    return [await prepare_lane(studio, briefing, question, recipe, sampling) for recipe in arms]


async def prepare_lane(
    studio: Studio,
    briefing: Briefing,
    question: Question,
    recipe: ArmRecipe,
    sampling: Sampling,
    *,
    priority: Priority = Priority.INTERACTIVE,
) -> PreparedLane:
    """One arm's lane for one question, from what was read before."""
    notes: list[str] = []
    lessons: list[RetrievedLesson] = []
    if recipe.memory is Memory.LESSONS and briefing.index is not None:
        try:
            lessons = await fitting_lessons(
                studio, briefing.index, question.prompt, history=question.history, priority=priority
            )
        except EmbedderError as error:
            notes.append(f"Lessons could not be looked up: {error.message}")
    request = PromptRequest(
        question.prompt,
        recipe.memory,
        studio.settings.prompt.system if question.system is None else question.system,
        question.history,
        briefing.corrections,
        tuple(lessons),
        briefing.forms(recipe),
    )
    assembly = await fitted(studio, briefing.facts, request, sampling)
    adapter = briefing.adapters[recipe.name]
    notes += _notes(briefing.facts, recipe, assembly, adapter, briefing.elsewhere.get(recipe.name, ""))
    near, aside = await _stands_aside(studio, briefing, recipe, question)
    if aside:
        adapter = None
        notes.append(aside)
    trained = adapter_use(studio, recipe, adapter) if adapter else None
    if trained is not None and (why := studio.engine.refusal([trained])):
        adapter = trained = None
        notes.append(f"Answered without its adapter: {why}")
    reader, unread = _reader(briefing, recipe, assembly)
    notes += unread
    attached = [] if trained is None else [trained]
    if reader is not None and (why := studio.engine.refusal([*attached, reader.use])):
        reader = None
        notes.append(f"Answered without the reader: {why}")
    given = _given(briefing.facts, assembly, adapter, trained.scale if trained else None, sampling)
    sha256 = reader.sha256 if reader else None
    given = replace(given, adapter_nearness=near, reader_sha256=sha256, note=" ".join(notes))
    uses = tuple(use for use in (trained, reader.use if reader else None) if use is not None)
    return PreparedLane(Lane(recipe.name, assembly.messages, uses, sampling), given)


async def _stands_aside(
    studio: Studio, briefing: Briefing, recipe: ArmRecipe, question: Question
) -> tuple[float | None, str]:
    """How near the question is to what the arm's adapter was trained on, and why it is left out, if it is."""
    if recipe.name not in briefing.scopes:
        return None, ""
    near = None
    if (scope := briefing.scopes[recipe.name]) is not None:
        with suppress(EmbedderError):
            near = await nearness(studio, scope, question.prompt)
    if near is None:
        return None, "The adapter stood aside: without the embedder it is not known which questions are its own."
    far = near < scope_threshold(studio, recipe)
    return near, "The adapter stood aside: it was trained on nothing near to this question." if far else ""


def _reader(briefing: Briefing, recipe: ArmRecipe, assembly: Assembly) -> tuple[Reader | None, list[str]]:
    """The reader, for an arm that has one and was given a lesson to read; a note why not, where it rests on it."""
    if not recipe.reader:
        return None, []
    if isinstance(briefing.reader, str):
        return None, [briefing.reader] if recipe.rests_on_reader else []
    if not assembly.lessons:
        return None, ["The reader stood aside: there was no lesson to read."] if recipe.rests_on_reader else []
    return briefing.reader, []


def what_is_decoded(prepared: PreparedLane) -> Lane:
    """The lane without its name, where decoding is greedy: lanes alike in this have one answer, and need one decoding.

    Draws at a temperature are each their own.
    """
    lane = prepared.lane
    return replace(lane, key="") if lane.sampling.temperature == 0 else lane


async def fitted(studio: Studio, facts: ModelFacts, request: PromptRequest, sampling: Sampling) -> Assembly:
    """The prompt of a request, trimmed by the stated rule to what the context and the budget allow."""
    reserved = min(sampling.max_tokens, max(FEWEST_ANSWER_TOKENS, facts.context_tokens // 4))
    return assemble(
        request,
        await studio.token_counts.count(studio.engine, prompts_to_count(request)),
        correction_budget=studio.settings.prompt.context_budget_tokens,
        prompt_limit=facts.context_tokens - reserved,
    )


def _given(
    facts: ModelFacts, assembly: Assembly, adapter: Adapter | None, scale: float | None, sampling: Sampling
) -> Given:
    return Given(
        model_sha256=facts.sha256,
        model_name=facts.name,
        adapter_id=adapter.id if adapter else None,
        adapter_version=adapter.version if adapter else None,
        adapter_scale=scale,
        lessons=tuple(GivenLesson(x.lesson.id, x.lesson.title, x.score, x.rank) for x in assembly.lessons),
        correction_ids=assembly.correction_ids,
        corrections_left_out=assembly.corrections_left_out,
        history_messages=assembly.history_messages,
        history_trimmed=assembly.history_trimmed,
        answered_messages=assembly.answered_messages,
        sampling=sampling,
        prompt_form=assembly.form,
    )


def _no_adapter(facts: ModelFacts) -> str:
    why = why_untrained(facts.architecture) if facts.path else ""
    return f"No adapter is in use, and a night cannot train this model: {why}." if why else "No adapter is in use."


def _notes(
    facts: ModelFacts, recipe: ArmRecipe, assembly: Assembly, adapter: Adapter | None, elsewhere: str
) -> list[str]:
    notes = []
    if recipe.uses_adapter and adapter is None:
        notes.append(elsewhere or _no_adapter(facts))
    if assembly.history_trimmed:
        notes.append(f"The oldest {assembly.history_trimmed} messages of the history did not fit and were left out.")
    if assembly.lessons_left_out:
        notes.append(f"{assembly.lessons_left_out} lessons did not fit beside the question.")
    return notes
