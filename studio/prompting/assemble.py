"""The one place where a question, its history and what an arm remembers become chat messages.

Chat, training and evaluation all assemble here, so that a model is never trained on one form and asked in another.
What people wrote is data: it is put in as it is, whatever braces or brackets it holds.

Order, oldest first: system, corrections (context arm), history, question; the lessons follow the question within
its own message. So the beginning of a prompt stays the same from one question to the next; a new correction leaves the
first half of the corrections, which are shown twice where there is room; the facts, which change with each question,
come last of all. Only the examples of rules of style come before the history, which they must not seem to be the
latest part of. A model that was measured may have other forms (`PromptForms`); what it is shown as earlier turns comes
before the history likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from typing import TypeVar

from studio.domain.arms import Memory
from studio.domain.generation import ChatMessage, Role
from studio.domain.lessons import LessonKind, RetrievedLesson
from studio.domain.log import Correction
from studio.errors import PromptTooLongError
from studio.prompting.lesson_form import asked, shown_answered, system_with, turns_shown
from studio.prompting.prompt_forms import DEFAULT_FORMS, READING_FORMS, LessonForm, PromptForms

T = TypeVar("T")

# Stands for any question where only the length of what precedes one is wanted.
_SOME_QUESTION = ChatMessage(Role.USER, "?")


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """What a prompt is made of. `corrections` are those in force, oldest first; `lessons` those retrieved, best first.

    `memory` says which of the two the arm is given, `forms` how; the other is left out. An empty `system` sends no
    system message.
    """

    question: str
    memory: Memory = Memory.NONE
    system: str = ""
    history: tuple[ChatMessage, ...] = ()
    corrections: tuple[Correction, ...] = ()
    lessons: tuple[RetrievedLesson, ...] = ()
    forms: PromptForms = DEFAULT_FORMS


@dataclass(frozen=True, slots=True)
class Assembly:
    """A prompt, and exactly what it was made of. `prompt_tokens` as added up from the counts of its pieces.

    `corrections_left_out` did not fit the budget or the prompt; `history_messages` were kept and `history_trimmed`
    dropped; `answered_messages` follow it, in which the question was answered before. `lessons_left_out` would not have
    fitted beside the question. `form` names the form of the lessons or corrections where it is not the default.
    """

    messages: tuple[ChatMessage, ...]
    prompt_tokens: int
    correction_ids: tuple[str, ...] = ()
    corrections_left_out: int = 0
    lessons: tuple[RetrievedLesson, ...] = ()
    lessons_left_out: int = 0
    history_messages: int = 0
    history_trimmed: int = 0
    answered_messages: int = 0
    form: str = ""


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The parts that may be left out, each a run of whole messages; all oldest first."""

    corrections: list[tuple[ChatMessage, ...]] = field(default_factory=list)
    exchanges: list[tuple[ChatMessage, ...]] = field(default_factory=list)
    lessons: tuple[RetrievedLesson, ...] = ()


def chat(system: str, history: Sequence[ChatMessage], question: str) -> tuple[ChatMessage, ...]:
    """A chat without any memory: what training examples and the frozen arm are made of."""
    return (*_system(system), *history, ChatMessage(Role.USER, question))


def prompts_to_count(request: PromptRequest) -> list[tuple[ChatMessage, ...]]:
    """The chats whose lengths `assemble` needs, in its order: hand them to Engine.count_prompt_tokens.

    The first two depend on the question; the others are one short chat for each correction and each exchange of
    the history, so the work grows with their length and not with its square.
    """
    pieces = _pieces(request)
    start = _system(request.system)
    return [
        (*start, ChatMessage(Role.USER, request.question)),
        _with_lessons(request, pieces.lessons, ()),
        (*start, _SOME_QUESTION),
        *((*start, *piece, _SOME_QUESTION) for piece in (*pieces.corrections, *pieces.exchanges)),
    ]


def assemble(request: PromptRequest, counts: Sequence[int], *, correction_budget: int, prompt_limit: int) -> Assembly:
    """The prompt that fits, given the token counts of `prompts_to_count(request)`.

    The context arm spends at most `correction_budget` tokens on corrections; the newest have the first claim, and
    the first that does not fit ends the choice, so that what is left out is always the oldest. Where all of them fit
    twice, beside the whole history, they are shown twice, which a small model reads better, unless the request's forms
    say once. A prompt longer than `prompt_limit` tokens loses its oldest history first, then its oldest corrections,
    then its lessons, never the question. History is dropped by exchanges, a question with its answer, because many
    templates insist on turns alternating. Lengths add up exactly with templates that write each message on its own, as
    nearly all do.
    Raises PromptTooLongError where the question alone is longer than `prompt_limit`.
    """
    pieces = _pieces(request)
    alone, with_given_lessons, base, *rest = counts
    if alone > prompt_limit:
        raise PromptTooLongError(
            f"The question takes {alone:,} tokens; the model has room for {prompt_limit:,} before its answer.",
            "Shorten it, or raise model.context_tokens.",
        )
    lengths = [count - base for count in rest]
    correction_lengths, exchange_lengths = lengths[: len(pieces.corrections)], lengths[len(pieces.corrections) :]
    lessons = pieces.lessons if with_given_lessons <= prompt_limit else ()
    used = with_given_lessons if lessons else alone
    room = prompt_limit - used
    corrections_kept = _newest_within(correction_lengths, min(correction_budget, room))
    fits_twice = 2 * sum(correction_lengths) <= min(correction_budget, room - sum(exchange_lengths))
    times = request.forms.corrections.times if fits_twice else 1
    used += times * sum(_last(correction_lengths, corrections_kept))
    exchanges_kept = _newest_within(exchange_lengths, prompt_limit - used)
    used += sum(_last(exchange_lengths, exchanges_kept))
    history = tuple(message for piece in _last(pieces.exchanges, exchanges_kept) for message in piece)
    taught = times * tuple(message for piece in _last(pieces.corrections, corrections_kept) for message in piece)
    answered, noted = _answered(request, lessons)
    return Assembly(
        messages=_with_lessons(request, lessons, (*taught, *history)),
        prompt_tokens=used,
        correction_ids=tuple(c.id for c in _last(request.corrections, corrections_kept)),
        corrections_left_out=len(pieces.corrections) - corrections_kept,
        lessons=lessons,
        lessons_left_out=len(pieces.lessons) - len(lessons),
        history_messages=len(history),
        history_trimmed=len(request.history) - len(history),
        answered_messages=len(answered),
        form=_other_form(request.forms, noted, fits_twice and corrections_kept > 0),
    )


def redo_question(question: str, answer: str, feedback: str) -> str:
    """The message that asks the model to answer once more, in the light of what the user said was wrong."""
    wrong = f"Your answer was: {answer}\n\nThat is not right: {feedback}"
    return f"{question}\n\n{wrong}\n\nWrite the corrected answer, nothing else."


def redo_request(request: PromptRequest, answer: str, feedback: str) -> PromptRequest:
    """The same request, asking for `answer` to be redone as `feedback` says."""
    return PromptRequest(
        redo_question(request.question, answer, feedback), system=request.system, history=request.history
    )


def reapply_request(
    correction: Correction, lesson: RetrievedLesson, system: str, forms: PromptForms = DEFAULT_FORMS
) -> PromptRequest:
    """The corrected question once more, with only the lesson distilled from it.

    A lesson that does not fix its own correction is weak (AlphaOPT, arXiv 2510.18428: keep a lesson only if
    re-applying it solves its source). It is to be read, and not to be copied from the question itself, answered.
    """
    read = forms.to_be_read()
    return PromptRequest(correction.prompt, Memory.LESSONS, system, correction.history, lessons=(lesson,), forms=read)


def _with_lessons(
    request: PromptRequest, lessons: Sequence[RetrievedLesson], between: Sequence[ChatMessage]
) -> tuple[ChatMessage, ...]:
    form = request.forms.lesson
    answered, noted = _answered(request, lessons)
    return chat(
        system_with(request.system, noted, form),
        (*turns_shown(noted, form), *between, *answered),
        asked(request.question, noted, form),
    )


def _answered(
    request: PromptRequest, lessons: Sequence[RetrievedLesson]
) -> tuple[Sequence[ChatMessage], Sequence[RetrievedLesson]]:
    """The very question as earlier turns, where it was corrected and is shown so; and the lessons in their own form."""
    shows = request.forms.shows_same_question and request.forms.lesson is not LessonForm.SHOWN
    turns = shown_answered(request.question, lessons) if shows else ()
    return turns, [one for one in lessons if one.lesson.kind is LessonKind.STYLE] if turns else lessons


def _other_form(forms: PromptForms, lessons: Sequence[RetrievedLesson], fits_twice: bool) -> str:
    """The form that made this prompt another than the default would have; a prompt has lessons or corrections."""
    if any(one.lesson.kind is LessonKind.FACT for one in lessons):
        return "" if forms.lesson is DEFAULT_FORMS.lesson or forms == READING_FORMS else forms.lesson.value
    return "" if forms.corrections is DEFAULT_FORMS.corrections or not fits_twice else forms.corrections.value


def _pieces(request: PromptRequest) -> _Pieces:
    exchanges = _exchanges(request.history)
    match request.memory:
        case Memory.CONTEXT:
            return _Pieces([_as_exchange(correction) for correction in request.corrections], exchanges)
        case Memory.LESSONS:
            return _Pieces([], exchanges, request.lessons)
        case Memory.NONE:
            return _Pieces([], exchanges)


def _system(system: str) -> tuple[ChatMessage, ...]:
    return (ChatMessage(Role.SYSTEM, system),) if system.strip() else ()


def _as_exchange(correction: Correction) -> tuple[ChatMessage, ...]:
    return ChatMessage(Role.USER, correction.prompt), ChatMessage(Role.ASSISTANT, correction.corrected)


def _exchanges(history: Sequence[ChatMessage]) -> list[tuple[ChatMessage, ...]]:
    """The history cut before each of the user's messages."""
    exchanges: list[tuple[ChatMessage, ...]] = []
    for message in history:
        if message.role is Role.USER or not exchanges:
            exchanges.append((message,))
        else:
            exchanges[-1] += (message,)
    return exchanges


def _newest_within(lengths: Sequence[int], budget: int) -> int:
    """How many of the last pieces fit together into the budget."""
    return sum(1 for _ in takewhile(lambda total: total <= budget, accumulate(reversed(lengths))))


def _last(sequence: Sequence[T], count: int) -> Sequence[T]:
    return sequence[len(sequence) - count :]
