"""What the app and the engine process say to each other: one JSON object per line, one struct per kind.

Commands go to the process, events come back. `request` ties an event to the command it answers.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct

from studio.domain.generation import Priority


class SamplingSpec(Struct, frozen=True):
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int | None
    max_tokens: int
    stop: tuple[str, ...]
    thinking_tokens: int = 0


class AdapterSpec(Struct, frozen=True):
    path: str
    scale: float


class LaneSpec(Struct, frozen=True):
    """`messages` are (role, content) pairs, the last of which is the completion if `forced`. Without adapters the base
    model answers."""

    key: str
    messages: tuple[tuple[str, str], ...]
    sampling: SamplingSpec
    adapters: tuple[AdapterSpec, ...] = ()
    forced: bool = False


class LoadModel(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
    path: str
    context_tokens: int
    threads: int | None
    gpu_layers: int


class Generate(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
    priority: Priority
    lanes: tuple[LaneSpec, ...]


class Cancel(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int


class CountTokens(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
    prompts: tuple[tuple[tuple[str, str], ...], ...]


class ModelLoaded(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
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


class Refused(Struct, frozen=True, tag=True, tag_field="kind"):
    """A LoadModel or CountTokens that cannot be done; `error` names the kind of StudioError it is."""

    request: int
    error: str
    message: str
    hint: str


class TokensCounted(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
    counts: tuple[int, ...]


class TextArrived(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
    key: str
    text: str
    is_thinking: bool = False


class LaneEnded(Struct, frozen=True, tag=True, tag_field="kind"):
    """`text` is the whole answer, `thinking` what came before it, `finish_reason` a FinishReason value; times count
    from the command's arrival."""

    request: int
    key: str
    text: str
    finish_reason: str
    prompt_tokens: int
    reused_tokens: int
    completion_tokens: int
    first_token_s: float
    latency_s: float
    mean_log_probability: float | None
    thinking: str = ""


class LaneBroke(Struct, frozen=True, tag=True, tag_field="kind"):
    request: int
    key: str
    message: str
    hint: str


class Beat(Struct, frozen=True, tag=True, tag_field="kind"):
    """Sign of life during long work, so that a hang can be told from a slow machine."""

    request: int = 0


Command = LoadModel | Generate | Cancel | CountTokens
Event = ModelLoaded | Refused | TokensCounted | TextArrived | LaneEnded | LaneBroke | Beat


def encode(message: Command | Event) -> bytes:
    """One line of ASCII; lone surrogates, which msgspec's own JSON refuses, survive as escapes."""
    return json.dumps(msgspec.to_builtins(message)).encode("ascii") + b"\n"


def decode_event(line: bytes) -> Event:
    """Raises ValueError for what is no event."""
    event: Event = _decoded(line, Event)
    return event


def decode_command(line: bytes) -> Command:
    """Raises ValueError for what is no command."""
    command: Command = _decoded(line, Command)
    return command


def _decoded(line: bytes, kinds: Any) -> Any:
    try:
        return msgspec.convert(json.loads(line), kinds)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
