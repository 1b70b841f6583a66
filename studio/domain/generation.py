"""What is asked of an engine and what comes back: messages, lanes, events.

A *lane* is one completion being decoded. Lanes of one request are decoded together; each arm of a
comparison is a lane.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen. Temperature 0 is greedy, the default, so that arms can be compared.

    `seed` fixes the draw at a temperature above 0; None draws a fresh one. `max_tokens` bounds the answer. A model that
    thinks before it answers may do so for `thinking_tokens`; at 0 it is told not to.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    seed: int | None = None
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    thinking_tokens: int = 0


@dataclass(frozen=True, slots=True)
class AdapterUse:
    """An adapter file as attached to a lane. `scale` multiplies its effect: 0 is the base model, 1 as trained."""

    path: Path
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One completion to decode. `key` names it in the events; unique within its request. Adapters add up.

    `forced`: nothing is chosen, the last message is the completion, and how likely each of its tokens was is what is
    asked for (`Completion.mean_log_probability`). No text arrives, `sampling` says nothing, and a server cannot tell.
    """

    key: str
    messages: tuple[ChatMessage, ...]
    adapters: tuple[AdapterUse, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    forced: bool = False


class FinishReason(StrEnum):
    STOP = "stop"  # the model ended its answer
    LENGTH = "length"  # max_tokens or the context was reached
    CANCELLED = "cancelled"
    FAILED = "failed"  # the engine died or refused; the text is what had arrived by then


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished lane. Times in seconds since the request was sent; token counts are the model's own.

    `text` is the answer; what the model thought before it is in `thinking`, and counted with it.

    `reused_tokens` of the prompt came from cache and were not computed again. `mean_log_probability` is that of the
    tokens chosen, by the model's own distribution (whatever the sampling made of it): 0 for one that had no doubt; None
    where nothing was chosen.
    """

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    reused_tokens: int
    completion_tokens: int
    first_token_s: float
    latency_s: float
    mean_log_probability: float | None = None
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class LaneDelta:
    """More text of a lane: whole characters only, never half of one. `is_thinking`: it is no part of the answer."""

    key: str
    text: str
    is_thinking: bool = False


@dataclass(frozen=True, slots=True)
class LaneFinished:
    key: str
    completion: Completion


@dataclass(frozen=True, slots=True)
class LaneFailed:
    """The lane cannot be answered; `text` holds what had arrived by then. Other lanes go on."""

    key: str
    message: str
    hint: str
    text: str = ""


LaneEvent = LaneDelta | LaneFinished | LaneFailed


class Priority(StrEnum):
    """Interactive requests go first; idle ones stand still, within one decoding step, while one is active.

    What is read ahead is idle work for a question that is yet to come: what it leaves in memory is kept as if the user
    had asked.
    """

    INTERACTIVE = "interactive"
    READ_AHEAD = "read ahead"
    IDLE = "idle"


FIRST_SEQUENCES, MOST_SEQUENCES, FIRST_TOKENS = 2, 8, 512
"""A context of the engine begins with memory for two conversations of so many tokens. Either doubles with what it is
asked, up to eight conversations; what a model needs is reckoned from eight short ones."""
CONTEXT_SHARE_OF_MEMORY = 16
"""Of the machine's memory, in bytes, one context takes no more than one in so many; at most four contexts exist."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How a model is loaded. `context_tokens` bounds prompt plus completion of one lane.

    `threads` None means one per physical core; `gpu_layers` -1 means as many as fit where a GPU backend is built in.
    """

    context_tokens: int = 4096
    threads: int | None = None
    gpu_layers: int = -1


CPU, GPU = "CPU", "GPU"
"""What `ModelFacts.device` says of a model that is loaded on this machine."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the model says of itself. `sha256` identifies it in provenance and binds adapters to it.

    `path` None: its file lies on a server only; `sha256` then stands for the server's address and its name there.
    """

    path: Path | None
    sha256: str
    name: str
    architecture: str
    parameters: int
    file_bytes: int
    trained_context_tokens: int
    context_tokens: int
    layers: int
    chat_template: str
    device: str
