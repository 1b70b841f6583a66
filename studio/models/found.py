"""GGUF files that other programs have on this machine already: offered where they lie, never copied, never written.

Hugging Face's cache, LM Studio, Ollama and Jan. Folders of other programs may hold anything: what is not as expected is
passed over, and no more is looked at than such a folder sensibly holds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from studio.small_files import parse_json, read_small

MOST_FILES = 500
"""Of one program; a folder that holds more is cut off there."""
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_OLLAMA_PLAIN = {"model", "license", "template", "params", "system", "messages"}


@dataclass(frozen=True, slots=True)
class Found:
    """A model file of another program. `note` says what the file alone lacks; empty where nothing."""

    name: str
    path: Path
    program: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where programs look for their folders: the home, the variables, and the system's name as sys.platform has it."""

    home: Path
    variables: Mapping[str, str]
    platform: str = sys.platform

    def folder(self, variable: str, *below: str) -> list[Path]:
        """The folder that a variable names, or none."""
        value = self.variables.get(variable, "")
        return [Path(value).expanduser().joinpath(*below)] if value.strip() else []


def found_on_disk(around: Surroundings) -> list[Found]:
    """Every file once, under the first program that has it."""
    seen: set[Path] = set()
    every: list[Found] = []
    for program in (_hugging_face, _lm_studio, _ollama, _jan):
        for one in islice(_quietly(program(around)), MOST_FILES):
            whole = one.path.resolve()
            if whole not in seen:
                seen.add(whole)
                every.append(one)
    return every


def _quietly(found: Iterator[Found]) -> Iterator[Found]:
    """As far as the disk lets itself be read."""
    try:
        yield from found
    except OSError:
        return


def _hugging_face(around: Surroundings) -> Iterator[Found]:
    cache = around.home / ".cache"
    places = [
        *around.folder("LLAMA_CACHE"),
        *around.folder("HF_HUB_CACHE"),
        *around.folder("HUGGINGFACE_HUB_CACHE"),
        *around.folder("HF_HOME", "hub"),
        *around.folder("XDG_CACHE_HOME", "huggingface", "hub"),
        cache / "huggingface" / "hub",
    ]
    for place in places:
        for file in sorted(place.glob("models--*/snapshots/*/**/*.gguf")):
            repository = file.relative_to(place).parts[0].removeprefix("models--").replace("--", "/")
            yield from _one(f"{repository.rpartition('/')[2]}-{file.stem}", file, f"Hugging Face cache, {repository}")
    for place in (*around.folder("LLAMA_CACHE"), cache / "llama.cpp"):
        for file in sorted(place.glob("*.gguf")):
            yield from _one(file.stem, file, "llama.cpp cache")


def _lm_studio(around: Surroundings) -> Iterator[Found]:
    places = [around.home / ".lmstudio" / "models", around.home / ".cache" / "lm-studio" / "models"]
    chosen = _json(around.home / ".lmstudio" / "settings.json").get("downloadsFolder")
    if isinstance(chosen, str) and chosen.strip():
        places.insert(0, Path(chosen).expanduser())
    for place in places:
        for file in sorted(place.glob("*/*/*.gguf")):
            yield from _one(file.stem, file, f"LM Studio, {file.parent.parent.name}")


def _jan(around: Surroundings) -> Iterator[Found]:
    data = ["Jan", "data", "llamacpp", "models"]
    places = {
        "darwin": [around.home.joinpath("Library", "Application Support", *data)],
        "win32": around.folder("APPDATA", *data),
    }.get(around.platform, [around.home.joinpath(".local", "share", *data)])
    for place in places:
        for file in sorted(place.glob("**/model.gguf")):
            yield from _one("-".join(file.relative_to(place).parts[:-1]) or "model", file, "Jan")


def _ollama(around: Surroundings) -> Iterator[Found]:
    systems = [Path(place) / "ollama" / ".ollama" / "models" for place in ("/usr/share", "/var/lib")]
    places = [*around.folder("OLLAMA_MODELS"), around.home / ".ollama" / "models", *systems]
    for place in places:
        for manifest in sorted(place.glob("manifests/*/*/*/*")):
            if (found := _ollama_model(place, manifest)) is not None:
                yield found


def _ollama_model(place: Path, manifest: Path) -> Found | None:
    layers = _json(manifest).get("layers")
    kinds = {}
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict):
            kinds[str(layer.get("mediaType"))] = str(layer.get("digest"))
    digest = _DIGEST.fullmatch(kinds.get(_OLLAMA_MODEL, ""))
    if digest is None:
        return None
    # The digest is 64 hexadecimal digits by now: nothing that leads out of the folder.
    file = place / "blobs" / f"sha256-{digest[1]}"
    if not file.is_file():
        return None
    namespace, model, tag = manifest.parts[-3:]
    name = f"{model}-{tag}" if namespace == "library" else f"{namespace}-{model}-{tag}"
    more = sorted({kind.rpartition(".")[2] for kind in kinds} - _OLLAMA_PLAIN)
    note = f"Ollama adds to this file: {', '.join(more)}. Here it answers without." if more else ""
    return Found(name, file, "Ollama", note)


def _one(name: str, file: Path, program: str) -> Iterator[Found]:
    """A file that may be a chat model; what belongs to another file (projectors) is none."""
    if file.is_file() and not file.name.lower().startswith("mmproj"):
        note = "It is one of several parts; such models are not loaded here." if _PART.search(file.name) else ""
        yield Found(name, file, program, note)


def _json(file: Path) -> dict[str, Any]:
    """A JSON object of another program; empty where there is none that can be read."""
    try:
        content = parse_json(read_small(file))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
