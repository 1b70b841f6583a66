"""What a model is called where people read of it: by the catalogue, else by its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from studio.models.catalogue import CatalogueEntry

_QUANT = re.compile(r"(?:^|[-._])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|FP16|F32|MXFP4(?:_MOE)?))(?=[.-]|$)", re.I)
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_BLOB = re.compile(r"(?:sha256[-:])?[0-9a-f]{32,}")


def model_title(path: Path, sha256: str, called: str, catalogue: Mapping[str, CatalogueEntry]) -> str:
    """The catalogue's title of a model that is known there, by its hash or by its file's name; else the file's name
    without quantisation and dashes.

    `called` is what its header says, which is often the name of an experiment: it is taken for a file whose name is
    none, as other programs' blobs are. `sha256` may be empty.
    """
    for name, entry in catalogue.items():
        if sha256 and entry.sha256:
            known = sha256 == entry.sha256
        else:
            known = path.name.casefold() in (entry.file.casefold(), f"{name}.gguf")
        if known:
            return entry.title
    if _BLOB.fullmatch(path.stem):
        return called or path.stem[:20]
    return readable(path.name)


def readable(file: str) -> str:
    """A model file's name as words: `SmolLM2-135M-Instruct.Q4_1.gguf` is SmolLM2 135M Instruct."""
    stem = _PART.sub("", re.sub(r"\.gguf$", "", file, flags=re.IGNORECASE))
    if quant := quant_of(stem):
        stem = re.sub(rf"[-._]{re.escape(quant)}(?=[-._]|$)", "", stem, flags=re.IGNORECASE)
    return " ".join(re.split(r"[-_\s]+", stem.strip("-_. "))) or file


def quant_of(path: str) -> str:
    """The quantisation a file's name tells; empty where it tells none."""
    found = _QUANT.findall(path.rpartition("/")[2].removesuffix(".gguf"))
    return found[-1].upper() if found else ""
