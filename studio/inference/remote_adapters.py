"""Which adapters of a model file the server that runs this file holds too, and how they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.domain.generation import AdapterUse
from studio.inference.remote_access import RemoteAccess
from studio.inference.remote_survey import Kind, ServerLora, Survey

READER = "reader"


class RemoteAdapters:
    """An adapter is found by the name that `remote.adapters` gives it, else by its very path, on the same machine."""

    def __init__(self, access: RemoteAccess, survey: Survey) -> None:
        self._host = access.host
        self._near = access.is_near
        self._kind = survey.kind
        self._loras = survey.loras
        self._called: Mapping[str, str] = access.adapters

    def refusal(self, uses: Sequence[AdapterUse]) -> str:
        """Why these cannot be attached together, as a sentence; empty where they can."""
        if not uses:
            return ""
        if not self._loras:
            return f"{self._host} holds no adapters."
        for use in uses:
            if self._lora(use.path) is None:
                return f"{self._host} holds no adapter that is {name_here(use.path)} (remote.adapters names them)."
        if self._kind is Kind.LLAMA_SERVER:
            return ""
        if len(uses) > 1:
            return f"{self._host} attaches one adapter at a time."
        return "" if uses[0].scale == 1.0 else f"{self._host} attaches adapters only as trained, not by a scale."

    def attach(self, uses: Sequence[AdapterUse], body: dict[str, Any]) -> None:
        """Write into a request which adapters it is answered with; they were not refused."""
        found = {lora: use.scale for use in uses if (lora := self._lora(use.path)) is not None}
        if self._kind is Kind.LLAMA_SERVER and self._loras:
            # All of them are named: those left out would be as the server was started with.
            body["lora"] = [{"id": lora.number, "scale": found.get(lora, 0.0)} for lora in self._loras]
        elif found:
            body["model"] = next(iter(found)).name

    def _lora(self, path: Path) -> ServerLora | None:
        called = self._called.get(name_here(path))
        for lora in self._loras:
            if called is not None and called in (lora.name, Path(lora.name).stem):
                return lora
            if called is None and self._near and self._kind is Kind.LLAMA_SERVER and _same(Path(lora.name), path):
                return lora
        return None


def name_here(path: Path) -> str:
    """'v3' for the adapter of a night, which lies in a folder so named; 'reader' for the reader."""
    folder = path.parent.name
    return folder if re.fullmatch(r"v[1-9]\d*", folder) else READER


def _same(one: Path, other: Path) -> bool:
    try:
        return one.is_absolute() and one.samefile(other)
    except OSError:
        return False
