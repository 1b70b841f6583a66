"""What the app and the engine process say to each other: one JSON object per line, one dataclass per kind.

Commands go to the process, events come back. `request` ties an event to the command it answers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SamplingSpec:
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int | None
    max_tokens: int
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """`messages` are (role, content) pairs. `adapter` is a file path; None for the base model."""

    key: str
    messages: tuple[tuple[str, str], ...]
    sampling: SamplingSpec
    adapter: str | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class LoadModel:
    request: int
    path: str
    context_tokens: int
    threads: int | None
    gpu_layers: int


@dataclass(frozen=True, slots=True)
class Generate:
    request: int
    interactive: bool
    lanes: tuple[LaneSpec, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    request: int


@dataclass(frozen=True, slots=True)
class CountTokens:
    request: int
    prompts: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True, slots=True)
class ModelLoaded:
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


@dataclass(frozen=True, slots=True)
class Refused:
    """A LoadModel or CountTokens that cannot be done; `error` names the kind of StudioError it is."""

    request: int
    error: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TokensCounted:
    request: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TextArrived:
    request: int
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class LaneEnded:
    """`text` is the whole completion, `finish_reason` a FinishReason value; times count from the command's arrival."""

    request: int
    key: str
    text: str
    finish_reason: str
    prompt_tokens: int
    reused_tokens: int
    completion_tokens: int
    first_token_s: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class LaneBroke:
    request: int
    key: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Sign of life during long work, so that a hang can be told from a slow machine."""

    request: int = field(default=0)


Command = LoadModel | Generate | Cancel | CountTokens
Event = ModelLoaded | Refused | TokensCounted | TextArrived | LaneEnded | LaneBroke | Beat

_EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (ModelLoaded, Refused, TokensCounted, TextArrived, LaneEnded, LaneBroke, Beat)
}


def encode(message: Command | Event) -> bytes:
    """One line of ASCII; lone surrogates survive as escapes."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}).encode("ascii") + b"\n"


def decode_event(line: bytes) -> Event:
    """Raises ValueError or TypeError for what is no event."""
    fields = json.loads(line)
    kind = _EVENTS[fields.pop("kind")]
    if kind is TokensCounted:
        fields["counts"] = tuple(fields["counts"])
    return kind(**fields)


def decode_command(line: bytes) -> Command:
    """Raises ValueError or TypeError for what is no command."""
    fields = json.loads(line)
    match fields.pop("kind"):
        case "LoadModel":
            return LoadModel(**fields)
        case "Generate":
            lanes = tuple(_lane(lane) for lane in fields["lanes"])
            return Generate(fields["request"], fields["interactive"], lanes)
        case "Cancel":
            return Cancel(**fields)
        case "CountTokens":
            return CountTokens(fields["request"], tuple(_messages(prompt) for prompt in fields["prompts"]))
        case kind:
            raise ValueError(f"no such command: {kind}")


def _messages(raw: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((role, content) for role, content in raw)


def _lane(raw: dict[str, Any]) -> LaneSpec:
    sampling = raw["sampling"]
    return LaneSpec(
        key=raw["key"],
        messages=_messages(raw["messages"]),
        sampling=SamplingSpec(**{**sampling, "stop": tuple(sampling["stop"])}),
        adapter=raw["adapter"],
        scale=raw["scale"],
    )
