"""Nights and the adapters they make; probes and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage


class NightState(StrEnum):
    PREPARING = "preparing"
    TRAINING = "training"
    EVALUATING = "evaluating"
    PROMOTED = "promoted"
    KEPT = "kept"  # yesterday's adapter stayed
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        return self in (NightState.PROMOTED, NightState.KEPT, NightState.CANCELLED, NightState.FAILED)


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter. `version` counts from 1 per model. `path` is relative to the workspace's adapters folder."""

    id: str
    version: int
    model_sha256: str
    night_id: str
    path: str
    sha256: str
    method: str
    rank: int
    scale: float
    created_at: datetime
    active: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Night:
    id: str
    state: NightState
    started_at: datetime
    model_sha256: str
    correction_ids: tuple[str, ...]
    config: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""
    finished_at: datetime | None = None
    adapter_id: str | None = None


@dataclass(frozen=True, slots=True)
class NightProgress:
    """The latest word from a running night. Times in seconds, memory in bytes, `loss` per supervised token."""

    night_id: str
    state: NightState
    step: int = 0
    steps: int = 0
    loss: float | None = None
    losses: tuple[float, ...] = ()
    elapsed_s: float = 0.0
    eta_s: float | None = None
    rss_bytes: int = 0
    tokens_per_s: float = 0.0
    message: str = ""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One conversation to learn from: the loss falls on `completion` alone.

    With `replay` the example is there to be remembered, not learnt: `completion` is the frozen model's own
    answer, and its distribution is held near the frozen model's by a KL term. Where `frozen_messages` are given the
    frozen model is asked these instead, so that what `messages` hold besides (an unfitting lesson) changes nothing.
    """

    messages: tuple[ChatMessage, ...]
    completion: str
    source_id: str
    replay: bool = False
    frozen_messages: tuple[ChatMessage, ...] = ()


class ProbeKind(StrEnum):
    """Field terms as in EasyEdit; see METHODS.md section 1."""

    RELIABILITY = "reliability"
    REPHRASE = "rephrase"
    LOCALITY = "locality"
    PORTABILITY = "portability"
    TRANSFER = "transfer"
    INDUCTION = "induction"  # an unseen instance of a rule that several corrections share
    GENERAL = "general"


@dataclass(frozen=True, slots=True)
class Probe:
    """A question asked to measure, never to teach. `correction_id` None for general probes."""

    id: str
    kind: ProbeKind
    prompt: str
    check: Check
    correction_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """`occasion` is 'idle:' and a name for what the arms knew (services/reask_probes.py).

    `model_sha256` and `model_name`, by which people know it, are empty where nobody noted which model answered.
    """

    probe_id: str
    arm: str
    text: str
    ok: bool
    score: float
    occasion: str
    created_at: datetime
    adapter_id: str | None = None
    correction_id: str | None = None
    prompt_tokens: int = 0
    first_token_s: float = 0.0
    latency_s: float = 0.0
    model_sha256: str = ""
    model_name: str = ""


@dataclass(frozen=True, slots=True)
class LastAsked:
    """When an arm was last asked a probe, as the place of its result among all; `now`: on the occasion at hand too."""

    probe_id: str
    arm: str
    place: int
    now: bool
