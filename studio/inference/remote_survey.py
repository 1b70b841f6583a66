"""What a server is: which models and adapters it has, how long their context is, and what else it can do.

Every server lists its models. The rest is asked where llama-server and vLLM keep it; one that has nothing there is any
other OpenAI-compatible server, and the rest works.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from studio.errors import ModelError
from studio.inference.remote_access import RemoteAccess
from studio.inference.remote_fault import RemoteFault
from studio.inference.remote_http import RemoteHttp

_MOST_MODELS_TOLD = 8
_MOST_TOKENS = 100_000_000
_LONGEST_NAME = 80


class Kind(Enum):
    LLAMA_SERVER = "llama-server"
    VLLM = "vLLM"
    OTHER = "an OpenAI-compatible server"


@dataclass(frozen=True, slots=True)
class ServerLora:
    """An adapter that the server holds. `number` is llama-server's for it; vLLM goes by the name."""

    name: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """`context_tokens` and `parameters` are 0 where the server does not tell."""

    model: str
    kind: Kind
    context_tokens: int = 0
    parameters: int = 0
    loras: tuple[ServerLora, ...] = ()

    @property
    def name(self) -> str:
        """The model's name for people: of a path its last part."""
        sound = "".join(sign for sign in self.model if sign.isprintable())
        return (PurePosixPath(sound).name.removesuffix(".gguf") or "model")[:_LONGEST_NAME]


def identity_of(access: RemoteAccess, model: str) -> str:
    """Stands for a file's hash: what one server calls by one name counts as one model."""
    return hashlib.sha256(f"remote model\n{access.api}\n{model}".encode()).hexdigest()


async def survey(http: RemoteHttp) -> Survey:
    """Raises RemoteFault, and ModelError where the wanted model is not there."""
    access = http.access
    listed = [entry for entry in _entries(await http.ask("GET", f"{access.api}/models")) if entry["id"]]
    bases = [entry for entry in listed if not entry.get("parent")]
    model = _chosen(http, bases)
    kind, loras = Kind.OTHER, tuple(ServerLora(entry["id"]) for entry in listed if entry.get("parent"))
    context, parameters = _whole(model.get("max_model_len")), _whole(_within(model, "meta", "n_params"))
    if context:
        kind = Kind.VLLM
    elif context := _whole(_within(await _perhaps(http, "/props"), "default_generation_settings", "n_ctx")):
        kind = Kind.LLAMA_SERVER
        loras = tuple(_numbered(await _perhaps(http, "/lora-adapters")))
    return Survey(model["id"], kind, context, parameters, loras)


def names_told(http: RemoteHttp, names: Iterable[str]) -> str:
    """A few of a server's names, fit to be shown."""
    known = list(names)
    more = f" and {len(known) - _MOST_MODELS_TOLD} more" if len(known) > _MOST_MODELS_TOLD else ""
    return ", ".join(http.told(name) for name in known[:_MOST_MODELS_TOLD]) + more


async def model_names(http: RemoteHttp) -> list[str]:
    """Raises RemoteFault."""
    return [entry["id"] for entry in _entries(await http.ask("GET", f"{http.access.api}/models"))]


def _chosen(http: RemoteHttp, models: list[dict[str, Any]]) -> dict[str, Any]:
    host, wanted = http.access.host, http.access.model
    names = [entry["id"] for entry in models]
    if not names:
        raise ModelError(f"{host} has no model.", "Load one there, and check remote.base_url: it usually ends in /v1.")
    if not wanted and len(names) == 1:
        return models[0]
    if not wanted:
        raise ModelError(f"{host} has several models: {names_told(http, names)}.", "Name one as remote.model.")
    if wanted not in names:
        raise ModelError(
            f"{host} has no model '{wanted[:_LONGEST_NAME]}'.",
            f"Name another as remote.model. It has: {names_told(http, names)}.",
        )
    return models[names.index(wanted)]


def _entries(said: Any) -> list[dict[str, Any]]:
    """The models of a list, each with an id that is text."""
    data = said.get("data") if isinstance(said, dict) else None
    found = [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    return [entry for entry in found if isinstance(entry.get("id"), str)]


def _numbered(said: Any) -> Iterable[ServerLora]:
    for entry in said if isinstance(said, list) else []:
        number, path = (entry.get("id"), entry.get("path")) if isinstance(entry, dict) else (None, None)
        if isinstance(number, int) and isinstance(path, str):
            yield ServerLora(path, number)


async def _perhaps(http: RemoteHttp, path: str) -> Any:
    """What only some servers answer; None from all others."""
    try:
        return await http.ask("GET", f"{http.access.root}{path}")
    except RemoteFault:
        return None


def _within(said: Any, *names: str) -> Any:
    for name in names:
        said = said.get(name) if isinstance(said, dict) else None
    return said


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value <= _MOST_TOKENS * 1_000_000 else 0
