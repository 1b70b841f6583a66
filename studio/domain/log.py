"""The rows of the log: conversations, turns, answers with their provenance, corrections."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, FinishReason, Sampling


class Origin(StrEnum):
    """Where a row came from; never lost, so that demonstrations and imports can be told from the user's own."""

    CHAT = "chat"
    COMPARE = "compare"
    COMMAND = "command"
    DEMO = "demo"
    BENCH = "bench"
    PROBE = "probe"
    IMPORTED = "imported"
    API = "api"  # asked by another program, through `studio serve`


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    origin: Origin = Origin.CHAT
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One question within a conversation. `position` counts from 0."""

    id: str
    conversation_id: str
    position: int
    prompt: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GivenLesson:
    """A lesson that was put into a prompt: `score` is the retrieval score, `rank` counts from 1."""

    lesson_id: str
    title: str
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Given:
    """Exactly what an arm was given besides the question: the provenance of an answer.

    `history_trimmed` counts earlier messages left out because the prompt would not have fitted the context;
    `answered_messages` counts those between history and question in which a lesson shows the question answered;
    `corrections_left_out` counts those over the token budget of the context arm. `adapter_nearness` is how near the
    question is to what the arm's adapter was trained on, in [-1, 1], where that was asked; where it was not near enough
    the adapter stood aside, and the other adapter fields are None. `reader_sha256` is the content of the reader where
    one was attached. `prompt_form` names the form in which lessons or corrections were put (`studio.prompting`) where
    it is not the default.
    """

    model_sha256: str = ""
    model_name: str = ""
    adapter_id: str | None = None
    adapter_version: int | None = None
    adapter_scale: float | None = None
    adapter_nearness: float | None = None
    reader_sha256: str | None = None
    lessons: tuple[GivenLesson, ...] = ()
    correction_ids: tuple[str, ...] = ()
    corrections_left_out: int = 0
    history_messages: int = 0
    history_trimmed: int = 0
    answered_messages: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    note: str = ""
    prompt_form: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One arm's answer to a turn. Never changed once written; an edit is a Correction.

    `messages` is the exact chat that was rendered for the model. `mean_log_probability` of its tokens says how sure the
    model was, as in Completion; None where it is not known. `thinking` is what it thought before the answer, which is
    kept and shown, and is no part of what is judged, corrected or learnt.
    """

    id: str
    turn_id: str
    arm: str
    text: str
    finish_reason: FinishReason
    given: Given
    messages: tuple[ChatMessage, ...]
    prompt_tokens: int
    completion_tokens: int
    first_token_s: float
    latency_s: float
    created_at: datetime
    mean_log_probability: float | None = None
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer without its provenance, which is most of it. `accepted`: the user's last word on it."""

    answer_id: str
    prompt: str
    arm: str
    text: str
    finish_reason: FinishReason
    created_at: datetime
    accepted: bool
    model_sha256: str


def confidence(mean_log_probability: float | None) -> float | None:
    """The mean probability of a token, in (0, 1]: geometric, so that the length of an answer does not matter."""
    return None if mean_log_probability is None else math.exp(mean_log_probability)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A question of which no answer was accepted, preferred or corrected, by the one answer that stands for it.

    `may_be_corrected`: a correction made elsewhere may be about the same question.
    """

    turn: Turn
    answer_id: str
    arm: str
    text: str
    created_at: datetime
    mean_log_probability: float | None
    may_be_corrected: bool = True


class Feedback(StrEnum):
    ACCEPTED = "accepted"  # good as it is
    PREFERRED = "preferred"  # better than the other arms' answers


@dataclass(frozen=True, slots=True)
class ArmPreferences:
    """`preferred` of `compared` comparisons; arms that said the same count alike. The blind ones are among them."""

    arm: str
    compared: int
    preferred: int
    compared_blind: int
    preferred_blind: int


@dataclass(frozen=True, slots=True)
class Correction:
    """What the user made of an answer. Append-only: a later one may supersede it, an undo is a tombstone.

    `history` are the messages before the prompt. `feedback` is what the user said was wrong, when said in words.
    """

    id: str
    prompt: str
    corrected: str
    original: str
    created_at: datetime
    check: Check
    history: tuple[ChatMessage, ...] = ()
    turn_id: str | None = None
    answer_id: str | None = None
    arm: str | None = None
    rationale: str = ""
    feedback: str = ""
    labels: tuple[str, ...] = ()
    supersedes: str | None = None
    origin: Origin = Origin.CHAT
    undone: bool = False
    superseded_by: str | None = None

    @property
    def in_force(self) -> bool:
        return not self.undone and self.superseded_by is None
