"""A record of another tool's file as a correction, by the keys it has: the other direction of studio.exchange.formats.

Each reader gives a draft, or why there is none. The last answer of a conversation is what is learnt. A system message
at the beginning is left out: the studio has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from studio.domain.generation import ChatMessage, Role
from studio.domain.imports import Draft

Row = Mapping[str, Any]

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "human": Role.USER,
    "prompter": Role.USER,
    "assistant": Role.ASSISTANT,
    "gpt": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "bot": Role.ASSISTANT,
}
_QUESTION = ("prompt", "question", "instruction", "query", "user", "input")
_CORRECTED = ("corrected", "correction", "corrected_answer", "chosen", "preferred", "target", "expected", "completion")
_EITHER = ("answer", "output", "response")
_ORIGINAL = ("original", "rejected", "wrong", "original_answer", "model_answer")
_TIMES = ("created_at", "timestamp", "date", "time")
_LATEST_EPOCH_S = 32_503_680_000  # the year 3000; above that milliseconds are meant


class _MisfitError(ValueError):
    """Why a record is no correction."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer judged by itself (KTO). Two to the same question make a correction."""

    draft: Draft
    good: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of record: what it is called, what it is known by, and how it is read."""

    name: str
    fits: Callable[[Row], bool]
    read: Callable[[Row], Draft | Judged]


def shape_of(row: Row) -> Shape | None:
    """The kind of a record, or None for one that no tool known here writes."""
    return next((shape for shape in SHAPES if shape.fits(row)), None)


def read_row(shape: Shape, row: Row) -> Draft | Judged | str:
    """The record as a correction, or why it is none."""
    try:
        return shape.read(row)
    except _MisfitError as error:
        return str(error)


def _openai_preference(row: Row) -> Draft:
    before = _messages(_at(row["input"], "messages"))
    return _draft(row, before, _answer(row["preferred_output"]), _answer(row["non_preferred_output"]))


def _preference(row: Row) -> Draft:
    """TRL with or without prompt, Axolotl, and plain texts."""
    chosen, rejected = row["chosen"], row["rejected"]
    told = row.get("prompt", row.get("messages"))
    if told is not None:
        return _draft(row, _messages(told), _answer(chosen), _answer(rejected))
    if isinstance(chosen, str) or isinstance(rejected, str):
        raise _MisfitError("it has no question apart from the answers")
    good, bad = _messages(chosen), _messages(rejected)
    if good[:-1] != bad[:-1]:
        raise _MisfitError("its two conversations differ before the last answer")
    return _draft(row, good[:-1], _answer(chosen), _answer(rejected))


def _judged(row: Row) -> Judged:
    if not isinstance(row["label"], bool):
        raise _MisfitError("its label is neither true nor false")
    return Judged(_draft(row, _messages(row["prompt"]), _answer(row["completion"])), row["label"])


def _completion(row: Row) -> Draft:
    return _draft(row, _messages(row["prompt"]), _answer(row["completion"]))


def _conversation(row: Row) -> Draft:
    messages = _messages(row["messages"])
    return _draft(row, messages[:-1], _last_answer(messages))


def _sharegpt(row: Row) -> Draft | Judged:
    messages = _messages(row["conversations"])
    if "chosen" in row or "rejected" in row:
        return _draft(row, messages, _answer(row.get("chosen")), _answer(row.get("rejected")))
    draft = _draft(row, messages[:-1], _last_answer(messages))
    if "kto_tag" not in row:
        return draft
    if not isinstance(row["kto_tag"], bool):
        raise _MisfitError("its kto_tag is neither true nor false")
    return Judged(draft, row["kto_tag"])


def _alpaca(row: Row) -> Draft:
    before: list[ChatMessage] = []
    for pair in _list(row.get("history") or [], "history"):
        question, answer = _list(pair, "history") if len(_list(pair, "history")) == 2 else ("", "")
        before += [ChatMessage(Role.USER, _text(question)), ChatMessage(Role.ASSISTANT, _text(answer))]
    more = _text(row.get("input") or "")
    asked = _text(row["instruction"]) + (f"\n{more}" if more else "")  # as LLaMA-Factory joins them
    before.append(ChatMessage(Role.USER, asked))
    if "chosen" in row or "rejected" in row:
        return _draft(row, before, _answer(row.get("chosen")), _answer(row.get("rejected")))
    return _draft(row, before, _answer(row["output"]))


def _easyedit(row: Row) -> Draft:
    return _draft(row, _messages(row["prompt"]), _text(row["target_new"]), _text(row.get("ground_truth") or ""))


def _table(row: Row) -> Draft:
    corrected = _first(row, (*_CORRECTED, *_EITHER))
    assert corrected is not None  # it fits
    original = _first(row, tuple(name for name in (*_ORIGINAL, *_EITHER) if name != corrected))
    question = _first(row, _QUESTION)
    assert question is not None
    before = [ChatMessage(Role.USER, _text(row[question]))]
    return _draft(row, before, _text(row[corrected]), _text(row[original]) if original else "")


def _is_table(row: Row) -> bool:
    return _first(row, _QUESTION) is not None and _first(row, (*_CORRECTED, *_EITHER)) is not None


def _has(*names: str) -> Callable[[Row], bool]:
    return lambda row: all(name in row for name in names)


# The first that fits counts.
SHAPES = (
    Shape("OpenAI preferences", _has("input", "preferred_output", "non_preferred_output"), _openai_preference),
    Shape("ShareGPT", _has("conversations"), _sharegpt),
    Shape("Alpaca", lambda row: "instruction" in row and ("output" in row or "chosen" in row), _alpaca),
    Shape("preferences (TRL, Axolotl)", _has("chosen", "rejected"), _preference),
    Shape("judged answers (KTO)", _has("prompt", "completion", "label"), _judged),
    Shape("prompts and completions (TRL)", _has("prompt", "completion"), _completion),
    Shape("conversations (TRL, OpenAI)", _has("messages"), _conversation),
    Shape("EasyEdit", _has("prompt", "target_new"), _easyedit),
    Shape("a table of questions and answers", _is_table, _table),
)


def _draft(row: Row, before: Sequence[ChatMessage], corrected: str, original: str = "") -> Draft:
    """`before` are all messages up to and with the question."""
    kept = list(before)
    if kept and kept[0].role is Role.SYSTEM:
        kept.pop(0)
    if not kept or kept[-1].role is not Role.USER:
        raise _MisfitError("no question stands before the answer")
    if any(message.role is Role.SYSTEM for message in kept):
        raise _MisfitError("it has a system message within the conversation")
    return Draft(
        prompt=kept[-1].content,
        corrected=corrected,
        original=original,
        history=tuple(kept[:-1]),
        created_at=time_of(next((row[name] for name in _TIMES if row.get(name)), None)),
        rationale=_plain(row.get("rationale")),
        feedback=_plain(row.get("feedback")),
        labels=labels_of(row.get("labels")),
    )


def paired(one: Judged, other: Judged | None) -> Draft | None:
    """The correction that a good and a bad answer to one question make; None where they do not belong together."""
    if other is None or one.good == other.good:
        return None
    good, bad = (one.draft, other.draft) if one.good else (other.draft, one.draft)
    if (good.prompt, good.history) != (bad.prompt, bad.history):
        return None
    return replace(good, original=bad.corrected)


def labels_of(value: Any) -> tuple[str, ...]:
    """Labels as a list or in one text, parted by commas or semicolons; anything else is no label."""
    if isinstance(value, str):
        value = value.replace(";", ",").split(",")
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(label.strip() for label in value if isinstance(label, str) and label.strip()))


def time_of(value: Any) -> datetime | None:
    """A time as text (ISO 8601; UTC where no zone is given) or seconds or milliseconds since 1970; None if neither."""
    try:
        if isinstance(value, str):
            value = value.strip()
            if not value.replace(".", "", 1).isdigit():
                read = datetime.fromisoformat(value)
                return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        seconds = value / 1000 if value > _LATEST_EPOCH_S else value
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def _messages(value: Any) -> list[ChatMessage]:
    """A list of messages in either form; a text is a question."""
    if isinstance(value, str):
        return [ChatMessage(Role.USER, value)]
    return [_message(one) for one in _list(value, "messages")]


def _message(value: Any) -> ChatMessage:
    if not isinstance(value, dict):
        raise _MisfitError("one of its messages is no object")
    role = value.get("role", value.get("from"))
    if not isinstance(role, str) or role.casefold() not in _ROLES:
        raise _MisfitError(f"it has a message of '{str(role)[:40]}', which is neither user nor assistant")
    return ChatMessage(_ROLES[role.casefold()], _text(value.get("content", value.get("value"))))


def _answer(value: Any) -> str:
    """An answer: a text, a message, or a list of messages that ends with it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = [value]
    return _last_answer(_messages(value))


def _last_answer(messages: Sequence[ChatMessage]) -> str:
    if not messages or messages[-1].role is not Role.ASSISTANT:
        raise _MisfitError("it does not end with an answer")
    return messages[-1].content


def _text(value: Any) -> str:
    """A text, or the texts of a list of parts (OpenAI's content)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, dict) and "text" in part for part in value):
        return "".join(_text(part["text"]) for part in value)
    raise _MisfitError("a question or an answer in it is no text")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _MisfitError(f"its {what} is no list")
    return value


def _at(value: Any, key: str) -> Any:
    if not isinstance(value, dict) or key not in value:
        raise _MisfitError(f"it has no {key}")
    return value[key]


def _first(row: Row, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in row), None)
