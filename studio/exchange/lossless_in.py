"""The studio's own row read back: as studio.exchange.lossless describes it, and with nothing taken on trust."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from studio.domain.checks import Check
from studio.domain.exports import LOSSLESS_VERSION
from studio.domain.generation import ChatMessage, Role
from studio.domain.imports import Logged, UndoEvent
from studio.domain.log import Correction, Origin

NAME = "the studio's own"


def is_lossless(row: Mapping[str, Any]) -> bool:
    """Whether it is a row of the lossless form, of whichever table."""
    return "format_version" in row and "record" in row


def read_lossless(row: Mapping[str, Any]) -> Logged | str:
    """The correction with its id and history, or why it is none."""
    version, record = row["format_version"], row["record"]
    if type(version) is not int or version < 1:
        return "its format_version is no number"
    if version > LOSSLESS_VERSION:
        return f"it was written by a newer studio (format_version {version}, this one knows {LOSSLESS_VERSION})"
    if record != "correction":
        return f"it is no correction ({str(record)[:40]})"
    try:
        return _logged(row)
    except KeyError as error:
        return f"it has no {error.args[0]}"
    except (TypeError, ValueError) as error:
        return f"it is no correction of the studio's: {error}"


def _logged(row: Mapping[str, Any]) -> Logged:
    events = tuple(
        UndoEvent(_of(bool, event["undone"], "undo_events"), _time(event["at"]))
        for event in _objects(row["undo_events"], "undo_events")
    )
    correction = Correction(
        id=_id(row["id"], "id"),
        prompt=_of(str, row["prompt"], "prompt"),
        corrected=_of(str, row["corrected"], "corrected"),
        original=_of(str, row["original"], "original"),
        created_at=_time(row["created_at"]),
        check=_check(row["check"]),
        history=tuple(
            ChatMessage(Role(one["role"]), _of(str, one["content"], "history"))
            for one in _objects(row["history"], "history")
        ),
        turn_id=_maybe(row["turn_id"], "turn_id"),
        answer_id=_maybe(row["answer_id"], "answer_id"),
        arm=_maybe(row["arm"], "arm"),
        rationale=_of(str, row["rationale"], "rationale"),
        feedback=_of(str, row["feedback"], "feedback"),
        labels=_texts(row["labels"], "labels"),
        supersedes=None if row["supersedes"] is None else _id(row["supersedes"], "supersedes"),
        origin=Origin(row["origin"]),
        undone=bool(events) and events[-1].undone,
        superseded_by=_maybe(row.get("superseded_by"), "superseded_by"),
    )
    return Logged(correction, events)


def _check(value: Any) -> Check:
    told = _of(dict, value, "check")
    words = told["max_words"]
    return Check(
        include=tuple(_texts(group, "check") for group in _of(list, told["include"], "check")),
        exclude=_texts(told["exclude"], "check"),
        pattern=_maybe(told["pattern"], "check"),
        max_words=None if words is None else _of(int, words, "check"),
    )


def _of(kind: type[Any], value: Any, name: str) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{name} has another type")
    return value


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    return [_of(dict, one, name) for one in _of(list, value, name)]


def _texts(value: Any, name: str) -> tuple[str, ...]:
    return tuple(_of(str, one, name) for one in _of(list, value, name))


def _maybe(value: Any, name: str) -> str | None:
    return None if value is None else str(_of(str, value, name))


def _id(value: Any, name: str) -> str:
    text = str(_of(str, value, name))
    if str(UUID(text)) != text:
        raise ValueError(f"{name} is no id")
    return text


def _time(value: Any) -> datetime:
    read = datetime.fromisoformat(_of(str, value, "a time"))
    if read.tzinfo is None:
        raise ValueError("a time has no zone")
    return read.astimezone(UTC)
