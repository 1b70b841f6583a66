"""A log with something in it, for tests of the screens that read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from studio.domain.checks import Check
from studio.domain.generation import FinishReason, Lane
from studio.domain.identity import new_id
from studio.domain.lessons import Lesson
from studio.domain.log import Answer, Conversation, Correction, Given, GivenLesson, Turn
from studio.domain.nights import Adapter, Night, NightState
from studio.services.studio import Studio

MORNING = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
QUESTION = "How long is the refund window?"
HOSTILE = "[bold]markup[/bold] \x1b[31m {{ braces }}"
MODEL = "f" * 64


def a_lesson(title: str = "Refund window", **changes: object) -> Lesson:
    lesson = Lesson(
        id=new_id(),
        title=title,
        applies_when="questions about refunds",
        guidance="Say that the refund window is 45 days.",
        example_question=QUESTION,
        example_answer="It is 45 days.",
        source_ids=(),
        created_at=MORNING,
        updated_at=MORNING,
    )
    return replace(lesson, **changes)  # type: ignore[arg-type]


def add_lessons(studio: Studio, *lessons: Lesson) -> None:
    for lesson in lessons:
        studio.log.lessons.add(lesson, [], "fake-embedder")


def add_correction(studio: Studio, *, rationale: str = "", labels: tuple[str, ...] = ()) -> Correction:
    """An answer of the frozen arm to QUESTION, and its correction to 45 days."""
    conversation = Conversation(new_id(), "", MORNING, MORNING)
    turn = Turn(new_id(), conversation.id, 0, QUESTION, MORNING)
    answer = an_answer(turn, "frozen", "It is 30 days.", Given())
    correction = Correction(
        id=new_id(),
        prompt=QUESTION,
        corrected="It is 45 days.",
        original=answer.text,
        created_at=MORNING,
        check=Check(include=(("45 days",),), exclude=("30 days",)),
        turn_id=turn.id,
        answer_id=answer.id,
        arm="frozen",
        rationale=rationale,
        labels=labels,
    )
    studio.log.conversations.add(conversation)
    studio.log.conversations.add_turn(turn)
    studio.log.answers.add([answer])
    studio.log.corrections.add(correction)
    return correction


def add_use(studio: Studio, lesson: Lesson, text: str) -> None:
    """An answer that was given this lesson."""
    conversation = Conversation(new_id(), "", MORNING, MORNING)
    turn = Turn(new_id(), conversation.id, 0, QUESTION, MORNING)
    given = Given(lessons=(GivenLesson(lesson.id, lesson.title, 0.71, 1),))
    studio.log.conversations.add(conversation)
    studio.log.conversations.add_turn(turn)
    studio.log.answers.add([an_answer(turn, "lessons", text, given)])


def an_answer(turn: Turn, arm: str, text: str, given: Given) -> Answer:
    return Answer(new_id(), turn.id, arm, text, FinishReason.STOP, given, (), 42, 17, 0.1, 0.4, MORNING)


def add_night(
    studio: Studio, state: NightState, reason: str = "", *, version: int | None = None, hours: float = 0
) -> Night:
    """A night so long after MORNING, with an adapter of this version where one is given; of a promoted one it becomes
    the active one."""
    night_id, adapter_id = new_id(), new_id()
    began = MORNING + timedelta(hours=hours)
    finished = began + timedelta(minutes=6) if state.is_over else None
    night = Night(
        night_id,
        state,
        began,
        MODEL,
        ("a", "b"),
        reason=reason,
        finished_at=finished,
        adapter_id=None if version is None else adapter_id,
    )
    studio.log.nights.add(night)
    if version is not None:
        content = f"adapter {version}".encode()
        digest = sha256(content).hexdigest()
        adapter = Adapter(adapter_id, version, MODEL, night_id, f"v{version}.gguf", digest, "lora", 16, 0.8, began)
        (studio.workspace.adapters / adapter.path).write_bytes(content)
        studio.log.adapters.add(adapter)
        if state is NightState.PROMOTED:
            studio.log.adapters.activate(MODEL, adapter.id, "promoted", began)
    return night


def by_arm(lane: Lane) -> str:
    """The frozen arm is wrong, the others right; those with an adapter tell its scale."""
    if lane.key == "frozen":
        return "It is 30 days."
    scale = f" (scale {lane.adapters[0].scale:.2f})" if lane.adapters else ""
    return f"It is 45 days, says {lane.key}{scale}."
