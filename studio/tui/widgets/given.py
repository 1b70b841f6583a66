"""What an answer was given, what it cost and how it ended, each in one line of plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.domain.generation import FinishReason
from studio.domain.plural import plural
from studio.tui.plain_text import one_line

if TYPE_CHECKING:
    from studio.domain.log import Answer, Given

NOTE_LENGTH = 240
_ENDINGS = {
    FinishReason.STOP: "",
    FinishReason.LENGTH: "stopped at the length limit",
    FinishReason.CANCELLED: "cancelled",
    FinishReason.FAILED: "failed",
}


def describe_ending(answer: Answer) -> str:
    """How an answer ended that is not whole; empty for one that is."""
    ending = _ENDINGS[answer.finish_reason]
    if answer.finish_reason is FinishReason.LENGTH and answer.thinking and not answer.text:
        return f"{ending} before it came to its answer; sampling.thinking_tokens gives it longer to think"
    if answer.finish_reason in {FinishReason.CANCELLED, FinishReason.FAILED}:
        ending += "; what had arrived is kept" if answer.text else " before its first word"
    return ending


def given_or_nothing(given: Given) -> str:
    """Lessons and scores, corrections in context, adapter or reader, or that it was nothing; then what was left out."""
    return ". ".join(filter(None, (_things(given) or "nothing", _note(given))))


def describe_given(given: Given) -> str:
    """As `given_or_nothing`, but nothing goes without saying."""
    return ". ".join(filter(None, (_things(given), _note(given))))


def _things(given: Given) -> str:
    parts: list[str] = []
    if given.adapter_version is not None:
        scale = "" if given.adapter_scale is None else f" at {given.adapter_scale:.2f}"
        near = "" if given.adapter_nearness is None else f", near {given.adapter_nearness:.2f}"
        parts.append(f"adapter v{given.adapter_version}{scale}{near}")
    if given.reader_sha256 is not None:
        parts.append("reader")
    parts += [f"lesson “{one_line(lesson.title, 32)}” {lesson.score:.2f}" for lesson in given.lessons]
    if given.correction_ids:
        left_out = f" ({given.corrections_left_out} left out)" if given.corrections_left_out else ""
        parts.append(f"{plural(len(given.correction_ids), 'correction')}{left_out}")
    if given.prompt_form:
        parts.append(f"form {one_line(given.prompt_form, 12)}")
    return " · ".join(parts)


def _note(given: Given) -> str:
    return one_line(given.note, NOTE_LENGTH)


def describe_cost(answer: Answer) -> str:
    """Tokens and times, for example `read 42, wrote 17 tokens · first after 0.10 s, all 0.3 s`."""
    if not answer.completion_tokens and not answer.latency_s:
        return ""
    tokens = f"read {answer.prompt_tokens}, wrote {answer.completion_tokens} tokens"
    return f"{tokens} · first after {answer.first_token_s:.2f} s, all {answer.latency_s:.1f} s"
