"""Rows for the storage tests, and a log to keep them in."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, FinishReason, Role, Sampling
from studio.domain.identity import new_id
from studio.domain.lessons import Lesson
from studio.domain.log import Answer, Conversation, Correction, Given, GivenLesson, Turn
from studio.domain.nights import Adapter
from studio.storage import DuckDbLog

START = datetime(2026, 3, 1, 22, 15, 0, 123456, tzinfo=UTC)
ANY_TEXT = "a\x00b\x1b[31m[bold]{{ x }}{% if %} \"'`$1 ? %s\\ 👩‍👩‍👧 \u202e\r\n\t\ufffe"


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def open_log(folder: Path, wait_s: float = 5.0) -> DuckDbLog:
    log = DuckDbLog(folder / "studio.duckdb", folder / "backups", wait_s=wait_s)
    log.open()
    return log


def a_conversation(minutes: float = 0, title: str = "Trams") -> Conversation:
    return Conversation(new_id(), title, at(minutes), at(minutes))


def a_turn(conversation: Conversation, position: int = 0, prompt: str = "When?", minutes: float = 0) -> Turn:
    return Turn(new_id(), conversation.id, position, prompt, at(minutes))


def an_answer(turn: Turn, arm: str = "frozen", text: str = "At nine.", minutes: float = 0) -> Answer:
    return Answer(
        id=new_id(),
        turn_id=turn.id,
        arm=arm,
        text=text,
        finish_reason=FinishReason.STOP,
        given=Given(
            model_sha256="ab" * 32,
            adapter_scale=0.75,
            lessons=(GivenLesson("lesson-1", ANY_TEXT, 0.5, 1),),
            correction_ids=("c1",),
            sampling=Sampling(stop=("\x00", "</s>")),
        ),
        messages=(ChatMessage(Role.SYSTEM, ""), ChatMessage(Role.USER, turn.prompt)),
        prompt_tokens=20,
        completion_tokens=4,
        first_token_s=0.05,
        latency_s=0.4,
        created_at=at(minutes),
    )


def a_correction(prompt: str = "When?", minutes: float = 0, supersedes: str | None = None) -> Correction:
    return Correction(
        id=new_id(),
        prompt=prompt,
        corrected="At ten.",
        original="At nine.",
        created_at=at(minutes),
        check=Check(include=(("ten", "10"),), exclude=("nine",)),
        supersedes=supersedes,
    )


def a_lesson(minutes: float = 0, title: str = "Trams leave at ten") -> Lesson:
    return Lesson(
        id=new_id(),
        title=title,
        applies_when="asked when the tram leaves",
        guidance="Say ten.",
        example_question="When?",
        example_answer="At ten.",
        source_ids=("c1", "c2"),
        created_at=at(minutes),
        updated_at=at(minutes),
    )


def an_adapter(version: int, model: str = "m1") -> Adapter:
    return Adapter(new_id(), version, model, "night-1", f"v{version}.gguf", "ff", "lora", 16, 1.0, at(version))


def said(log: DuckDbLog, prompt: str = "When?", minutes: float = 0) -> Answer:
    """A conversation of one turn with one answer, kept in the log."""
    conversation = a_conversation(minutes)
    turn = a_turn(conversation, prompt=prompt, minutes=minutes)
    answer = an_answer(turn, minutes=minutes)
    log.conversations.add(conversation)
    log.conversations.add_turn(turn)
    log.answers.add([answer])
    return answer


def undone(correction: Correction) -> Correction:
    return dataclasses.replace(correction, undone=True)
