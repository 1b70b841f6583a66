"""A log with corrections of every kind an export tells apart, and the export of it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from studio.domain.checks import Check
from studio.domain.exports import Selection
from studio.domain.generation import ChatMessage, FinishReason, Role
from studio.domain.identity import new_id
from studio.domain.log import Answer, Conversation, Correction, Feedback, Given, Turn
from studio.exchange.privacy import Privacy
from studio.exchange.request import ExportRequest, ExportResult
from studio.services.export_corrections import export_corrections
from studio.storage import DuckDbLog

START = datetime(2026, 3, 1, 22, 15, 0, 123456, tzinfo=UTC)
EARLIER = (ChatMessage(Role.USER, "Is it open?"), ChatMessage(Role.ASSISTANT, "Yes."))
IN_FORCE = Selection(superseded=False, undone=False)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def open_log(folder: Path) -> DuckDbLog:
    log = DuckDbLog(folder / "sessions" / "studio.duckdb", folder / "sessions" / "backups")
    log.open()
    return log


def correction(prompt: str, minutes: float = 0, **other: Any) -> Correction:
    made = Correction(
        id=new_id(),
        prompt=prompt,
        corrected=f"The answer to {prompt}",
        original="No idea.",
        created_at=at(minutes),
        check=Check(include=(("answer",),), exclude=("idea",)),
    )
    return dataclasses.replace(made, **other)


def said(log: DuckDbLog, prompt: str, minutes: float, arm: str = "frozen", title: str = "Talk") -> Answer:
    """A conversation of one turn with one answer of a named model, given a system prompt."""
    conversation = Conversation(new_id(), title, at(minutes), at(minutes))
    turn = Turn(new_id(), conversation.id, 0, prompt, at(minutes))
    messages = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, prompt))
    given = Given(model_sha256="ab" * 32, model_name="tiny")
    answer = Answer(
        new_id(), turn.id, arm, "No idea.", FinishReason.STOP, given, messages, 20, 4, 0.1, 0.4, at(minutes)
    )
    log.conversations.add(conversation)
    log.conversations.add_turn(turn)
    log.answers.add([answer])
    return answer


def corrected(log: DuckDbLog, prompt: str, minutes: float, **other: Any) -> Correction:
    """A correction of an answer that is in the log."""
    arm, title = other.pop("arm", "frozen"), other.pop("title", "Talk")
    answer = said(log, prompt, minutes, arm, title)
    made = correction(prompt, minutes, turn_id=answer.turn_id, answer_id=answer.id, arm=arm, **other)
    log.corrections.add(made)
    return made


def varied_log(folder: Path) -> DuckDbLog:
    """Plain, within a conversation, without an original, superseded and undone corrections; an accepted answer."""
    log = open_log(folder)
    corrected(log, "Where is the harbour?", 0, labels=("fact",), rationale="It moved.")
    corrected(log, "And when does the ferry leave?", 1, labels=("fact", "tone"), history=EARLIER, arm="lessons")
    log.corrections.add(correction("Who mends bicycles?", 2, original=""))
    old = corrected(log, "What does a ticket cost?", 3, title="Prices")
    log.corrections.add(correction("What does a ticket cost?", 4, supersedes=old.id))
    gone = corrected(log, "How old is the lighthouse?", 5)
    log.corrections.set_undone(gone.id, True, at(6))
    log.answers.add_feedback(said(log, "Is it deep?", 7).id, Feedback.ACCEPTED, at(8))
    return log


def export(log: DuckDbLog, out: Path, format_name: str, **other: Any) -> ExportResult:
    given: dict[str, Any] = {"selection": IN_FORCE, "privacy": Privacy.OFF} | other
    return export_corrections(log, out, ExportRequest(format_name, **given))


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
