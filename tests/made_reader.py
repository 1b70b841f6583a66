"""A reader's files as its training leaves them, with any content: for studios whose engine is a stand-in."""

from __future__ import annotations

import hashlib
from pathlib import Path

from studio.training.job import Manifest, NightFolder


def make_reader(readers: Path, model_sha256: str = "f" * 64, content: bytes = b"weights") -> Path:
    """The folder of this model's reader, whole."""
    folder = NightFolder(readers / model_sha256[:12])
    folder.path.mkdir(parents=True)
    folder.adapter_file.write_bytes(content)
    folder.write_manifest(manifest_of(content, model_sha256))
    return folder.path


def manifest_of(content: bytes, model_sha256: str = "f" * 64) -> Manifest:
    """As a training that took a second leaves it."""
    return Manifest(
        night_id="reader",
        model_sha256=model_sha256,
        architecture="llama",
        method="lora",
        rank=8,
        alpha=16.0,
        targets=(),
        examples=1,
        replayed=0,
        correction_ids=(),
        seed=0,
        device="cpu",
        dtype="float32",
        steps=1,
        losses=(),
        stopped_because="",
        running_s=1.0,
        wall_s=1.0,
        peak_rss_bytes=1,
        adapter_sha256=hashlib.sha256(content).hexdigest(),
        versions={},
        config={},
    )
