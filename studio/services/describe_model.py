"""What a model file says of itself, whether it fits this machine, and which adapters and readers belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

from studio.domain.model_build import kv_bytes_per_token
from studio.domain.sizes import size_text
from studio.domain.speed import MachineSpeed, Work
from studio.domain.stores import Log
from studio.errors import ModelError
from studio.inference.file_identity import remembered_sha256
from studio.inference.gguf_header import GgufHeader
from studio.inference.model_header import checked_header
from studio.models.fit import Fit, MemoryNeed, fit_of, memory_need
from studio.services.expected_speed import Pace, guessed_work, measured_pace, pace
from studio.services.measured_forms import forms_file, forms_in_words, measured_forms
from studio.services.model_shelf import Place, ShelfModel
from studio.services.studio import Studio, off_loop
from studio.settings import NightSettings
from studio.training.architectures import TRAINED
from studio.training.night_memory import SHARE_OF_FREE, Build, build_of, night_memory
from studio.workspace import Workspace

_READER_DIGITS = 12
_WITH_CONTEXT = 1.25
"""What a model takes beside its weights, where no header tells it yet."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """From the header alone. `refusal` says why the file cannot answer; everything else is empty then."""

    called: str = ""
    architecture: str = ""
    context: int = 0
    licence: str = ""
    has_template: bool = False
    need: MemoryNeed | None = None
    build: Build | None = None
    work: Work | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What was trained for a model, and in words what it reads best and what memory a night takes.

    `known` is False where its hash is not known before it has been loaded once.
    """

    known: bool
    adapters: int = 0
    active: int | None = None
    reader: bool = False
    forms: str = ""
    night: str = ""


def file_facts(path: Path, context_tokens: int) -> FileFacts:
    """Read once for each state of the file. Blocks for the header's reading: a few hundredths of a second."""
    try:
        status = path.stat()
    except OSError:
        return FileFacts(refusal=f"There is no model file {path}.")
    return _facts(path, context_tokens, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=512)
def _facts(path: Path, context_tokens: int, _size: int, _mtime_ns: int) -> FileFacts:
    try:
        header = checked_header(path)
    except ModelError as error:
        return FileFacts(refusal=str(error))
    return _of_header(header, context_tokens)


def _of_header(header: GgufHeader, context_tokens: int) -> FileFacts:
    said = header.metadata
    context = said.get(f"{header.architecture}.context_length", 0)
    layers = said.get(f"{header.architecture}.block_count", 0)
    kv_bytes = kv_bytes_per_token(said)
    return FileFacts(
        called=str(said.get("general.name", "")),
        architecture=header.architecture,
        context=int(context) if isinstance(context, int | float) else 0,
        licence=str(said.get("general.license", "")),
        has_template=bool(str(said.get("tokenizer.chat_template", "")).strip()),
        need=memory_need(said, header.file_bytes, context_tokens, psutil.virtual_memory().total),
        work=Work(header.read_bytes, header.read_rows, int(layers), kv_bytes) if kv_bytes else None,
        build=build_of(said, header.parameters, header.file_bytes) if header.architecture in TRAINED else None,
    )


@dataclass(frozen=True, slots=True)
class Room:
    """Whether a model fits into the memory that is free now; `fit` None where it has its share already, or no size."""

    fit: Fit | None
    words: str


def room_for(model: ShelfModel, facts: FileFacts | None) -> Room:
    """From the header; for a model that is not here, from the size of its weights alone."""
    need, free = facts.need if facts else None, psutil.virtual_memory().available
    if model.in_use:
        return Room(None, f"It takes about {size_text(need.total)} of memory." if need else "")
    if need is not None:
        words = f"It needs about {size_text(need.total)} of memory, {size_text(need.context)} of them for the context;"
        return Room(fit_of(need.total, free), f"{words} {size_text(free)} are free.")
    if not model.bytes or (facts is not None and facts.refusal):
        return Room(None, "")
    words = f"Its weights alone take {size_text(model.bytes)} of memory; {size_text(free)} are free."
    return Room(fit_of(model.bytes * _WITH_CONTEXT, free), words)


def work_of(model: ShelfModel, facts: FileFacts | None) -> Work | None:
    """What decoding a token takes: from the header, or from the size of a file that is not here; None: not known."""
    if facts is not None:
        return facts.work
    return guessed_work(model.entry.file, model.bytes) if model.entry else None


def pace_of(
    workspace: Workspace, log: Log | None, model: ShelfModel, facts: FileFacts | None, speed: MachineSpeed | None
) -> Pace:
    """Tokens a second as expected of this machine, and as measured where the model has answered. Reads the log."""
    measured = measured_pace(log, known_sha256(workspace, model)) if log is not None and model.path else None
    return pace(work_of(model, facts), speed, measured, facts.need if facts else None)


def night_in_words(facts: FileFacts | None, night: NightSettings) -> str:
    """What a night takes of the memory that is free now, and how it fits; empty where the model cannot be trained."""
    if facts is None or facts.build is None:
        return ""
    unpacked, packed = (
        night_memory(facts.build, rank=night.rank, share_below=night.share_below, number_bytes=4, packed=packed)
        for packed in (False, True)
    )
    free = psutil.virtual_memory().available
    rank = f"A night (rank {night.rank}, any batch size)"
    if unpacked <= SHARE_OF_FREE * free:
        return f"{rank} takes about {size_text(unpacked)} in 32-bit floats."
    left = f"{size_text(unpacked)} in 32-bit floats do not fit into the {size_text(free)} that are free"
    if packed <= free:
        return f"{rank} leaves its weights packed and takes about {size_text(packed)}; {left}."
    return f"{rank} does not fit: {size_text(packed)} with its weights left packed; {size_text(free)} are free."


def known_sha256(workspace: Workspace, model: ShelfModel) -> str:
    """The file's SHA-256 as far as it was computed before; else empty."""
    if model.record is not None and model.record.how == "pulled" and model.record.sha256:
        return model.record.sha256
    return remembered_sha256(model.path, workspace.diagnostics / "model_hashes.json") if model.path else ""


async def belongings(studio: Studio, model: ShelfModel) -> Belongings:
    """The adapters and the reader that were trained for this very file, and its forms of prompts."""
    sha256 = await off_loop(known_sha256, studio.workspace, model)
    facts = await off_loop(file_facts, model.path, studio.settings.model.context_tokens) if model.path else None
    night = night_in_words(facts, studio.settings.night)
    if not sha256:
        return Belongings(known=model.path is None, night=night)
    adapters = [one for one in await off_loop(studio.log.adapters.all, sha256) if not one.removed]
    active = next((one.version for one in adapters if one.active), None)
    folders = [place / sha256[:_READER_DIGITS] for place in studio.reader_folders or (studio.workspace.readers,)]
    reader = await off_loop(lambda: any((folder / "manifest.json").is_file() for folder in folders))
    forms = await off_loop(_forms, studio, model, sha256)
    if night and (taken := await off_loop(_last_peak, studio, sha256)):
        night += f" {taken}"
    return Belongings(True, len(adapters), active, reader, forms, night)


def _last_peak(studio: Studio, sha256: str) -> str:
    """What the last night of this model really took, beside what had been reckoned."""
    for night in studio.log.nights.all():
        peak = night.metrics.get("peak_gpu_bytes") or night.metrics.get("peak_rss_bytes")
        reckoned = night.metrics.get("reckoned_bytes")
        if night.model_sha256 == sha256 and isinstance(peak, int) and isinstance(reckoned, int):
            return f"The last one took {size_text(peak)}, reckoned {size_text(reckoned)}."
    return ""


def _forms(studio: Studio, model: ShelfModel, sha256: str) -> str:
    try:
        return forms_in_words(measured_forms(studio, sha256), bundled=model.place is Place.BUNDLED)
    except ModelError as error:
        return str(error)


def unmeasured(workspace: Workspace, model: ShelfModel) -> bool:
    """Whether nobody knows what this model reads best: neither was it measured, nor is it the bundled one."""
    if model.place is Place.BUNDLED:
        return False
    sha256 = known_sha256(workspace, model)
    return not sha256 or not forms_file(workspace.prompt_forms, sha256).exists()
