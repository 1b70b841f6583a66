"""The user's judgement of an answer: corrected, accepted, preferred; undone and redone."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.generation import ChatMessage
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Answer, Correction, Feedback, Origin
from studio.domain.same_question import folded
from studio.domain.stores import CorrectionStore
from studio.errors import UsageError
from studio.evaluation.checks import check_from_edit
from studio.prompting.thinking import without_thinking
from studio.services.studio import Studio, off_loop

MAX_CHARACTERS = 20_000


async def record_correction(  # noqa: PLR0913 - keywords, one for each part of what the user did
    studio: Studio,
    *,
    answer: Answer | None,
    prompt: str,
    corrected: str,
    original: str = "",
    history: Sequence[ChatMessage] = (),
    rationale: str = "",
    feedback: str = "",
    labels: Sequence[str] = (),
    supersedes: str | None = None,
    origin: Origin = Origin.CHAT,
) -> Correction:
    """Append a correction; it is on disk when this returns. What it teaches is learnt by learn_lesson.

    A correction of a prompt (with the same history) that was corrected before supersedes the earlier one, unless
    `supersedes` names another; where that was itself superseded, what is in force in its place is meant. A block of
    thinking before either answer is left out: it is never learnt. The check is derived from the edit.
    Raises UsageError on a correction that is empty, unchanged, or longer than MAX_CHARACTERS; NotFoundError on an
    unknown `supersedes`.
    """
    prompt, corrected, original = (
        storable(prompt),
        without_thinking(storable(corrected)),
        without_thinking(storable(answer.text if answer else original)),
    )
    refuse_bad(prompt, corrected, original)

    def append() -> Correction:
        corrections = studio.log.corrections
        replaced = (
            _earlier(corrections.in_force_of([prompt]), tuple(history))
            if supersedes is None
            else _in_its_place(corrections, corrections.get(supersedes))
        )
        correction = Correction(
            id=new_id(),
            prompt=prompt,
            corrected=corrected,
            original=original,
            created_at=utc_now(),
            check=check_from_edit(original, corrected, prompt),
            history=tuple(history),
            turn_id=answer.turn_id if answer else None,
            answer_id=answer.id if answer else None,
            arm=answer.arm if answer else None,
            rationale=storable(rationale),
            feedback=storable(feedback),
            labels=tuple(dict.fromkeys(filter(None, (storable(label).strip() for label in labels)))),
            supersedes=replaced,
            origin=origin,
        )
        corrections.add(correction)
        return correction

    return await off_loop(append)


async def undo_correction(studio: Studio, correction_id: str) -> Correction:
    """Take a correction back: a tombstone is appended, its lesson retired, what it had replaced is in force again."""
    return await _set_undone(studio, correction_id, undone=True)


async def redo_correction(studio: Studio, correction_id: str) -> Correction:
    """Take the undo back. Raises UsageError where another correction of the same question is in force."""
    return await _set_undone(studio, correction_id, undone=False)


async def accept_answer(studio: Studio, answer_id: str) -> None:
    """The answer is good as it is: nights may learn it, or learn to keep it."""
    await off_loop(studio.log.answers.add_feedback, answer_id, Feedback.ACCEPTED, utc_now())


async def prefer_answer(studio: Studio, answer_id: str, *, blind: bool = False) -> None:
    """The answer is better than those of the other arms; `blind`: this was said with the arms' names hidden."""
    await off_loop(studio.log.answers.add_feedback, answer_id, Feedback.PREFERRED, utc_now(), blind=blind)


async def withdraw_feedback(studio: Studio, answer_id: str) -> None:
    await off_loop(studio.log.answers.withdraw_feedback, answer_id)


async def correction_in_force(studio: Studio, prompt: str) -> Correction | None:
    """The correction that answers to this prompt are judged by: the latest in force; None where there is none."""

    def read() -> Correction | None:
        same = studio.log.corrections.in_force_of([prompt])
        return same[-1] if same else None

    return await off_loop(read)


async def _set_undone(studio: Studio, correction_id: str, *, undone: bool) -> Correction:
    # Here, not above: the first paint waits for every import.
    from studio.services.learn_lessons import follow_correction

    def write() -> Correction:
        correction = studio.log.corrections.get(correction_id)
        if correction.undone == undone:
            state = "already undone" if undone else "not undone"
            raise UsageError(f"The correction of '{correction.prompt[:60]}' is {state}.", "Nothing was changed.")
        studio.log.corrections.set_undone(correction.id, undone, utc_now())
        return studio.log.corrections.get(correction.id)

    correction = await off_loop(write)
    await follow_correction(studio, correction)
    return correction


def storable(text: str) -> str:
    """Text as the log keeps it: without NUL, which no file format of ours can hold."""
    return text.replace("\x00", "")


def refuse_bad(prompt: str, corrected: str, original: str) -> None:
    """Raises UsageError on a correction that nothing can be learnt from."""
    if not prompt.strip():
        raise UsageError("The correction has no question.", "Say which prompt it belongs to.")
    if not corrected.strip():
        raise UsageError("The correction is empty.", "Write what the answer should have been.")
    if corrected.strip() == original.strip():
        raise UsageError("The correction is the same as the answer.", "Change the answer, or accept it as good.")
    if max(len(corrected), len(prompt)) > MAX_CHARACTERS:
        raise UsageError(
            f"The correction has {max(len(corrected), len(prompt)):,} characters.",
            f"At most {MAX_CHARACTERS:,} can be learnt from: keep the part that matters.",
        )


def same_question(one: str, other: str) -> bool:
    """Whether two prompts are the same but for case and white space."""
    return folded(one) == folded(other)


def _in_its_place(corrections: CorrectionStore, replaced: Correction) -> str:
    """The one in force where `replaced` once was: itself, or the last of those that superseded one another since."""
    seen: set[str] = set()  # an imported log may go round in circles
    while replaced.superseded_by is not None and replaced.id not in seen:
        seen.add(replaced.id)
        replaced = corrections.get(replaced.superseded_by)
    return replaced.id


def _earlier(of_this_question: Sequence[Correction], history: tuple[ChatMessage, ...]) -> str | None:
    same = [c for c in of_this_question if c.history == history]
    return same[-1].id if same else None
