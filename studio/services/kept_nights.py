"""Adapters that nights of scenarios trained, kept on disk by what they were trained on: a repeat does not train again.

Training is the same for a seed, so a night with the same examples, configuration, code and libraries ends in the same
adapter. It is a cache, for throw-away studios alone: whoever deletes the folder loses time and nothing else. A user's
own nights always train.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from studio.checksum import sha256_of
from studio.errors import TrainingError
from studio.training.job import NightFolder, NightJob

MOST_KEPT = 24
"""Nights; those not used for longest make way."""

_LIBRARIES = ("torch", "transformers", "peft")
_NOT_A_NIGHTS = ("reader", "train_", "lesson_finding")
"""How modules of the training room begin that no night runs."""
_MINUTES = "minutes"


class KeptNights:
    """The nights kept in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def restore(self, night: NightFolder) -> bool:
        """Put the adapter that this night's job trained before into its folder, manifest last. False if there is none.

        Raises TrainingError when the job cannot be read.
        """
        job = night.read_job()
        kept = self._of(job)
        try:
            manifest = kept.read_manifest()
            if manifest is None or sha256_of(kept.adapter_file) != manifest.adapter_sha256:
                return False
            kept.path.touch()
            shutil.copy2(kept.adapter_file, night.adapter_file)
        except (TrainingError, OSError):
            return False
        night.write_manifest(replace(manifest, night_id=job.night_id, correction_ids=job.correction_ids))
        return True

    def keep(self, night: NightFolder) -> None:
        """Keep what this night trained, if the disk lets us; not where its minutes ended it, and not its last step."""
        job, manifest = night.read_job(), night.read_manifest()
        if manifest is None or manifest.wall_s >= 60 * job.config.max_minutes:
            return
        kept = self._of(job)
        with suppress(TrainingError, OSError):
            kept.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(night.adapter_file, kept.adapter_file)
            kept.write_manifest(manifest)
            oldest_first = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            for path in oldest_first[:-MOST_KEPT]:
                shutil.rmtree(path, ignore_errors=True)

    def minutes(self, night: NightFolder, measured: float) -> float:
        """How long the whole night took when its adapter was trained; `measured` where this is that night."""
        kept = self._of(night.read_job())
        with suppress(OSError, ValueError):
            return float((kept.path / _MINUTES).read_text())
        manifest = night.read_manifest()
        trained = manifest.wall_s / 60 if manifest else 0.0
        whole = measured if measured >= trained else measured + trained
        with suppress(OSError):
            (kept.path / _MINUTES).write_text(repr(whole))
        return whole

    def _of(self, job: NightJob) -> NightFolder:
        return NightFolder(self._folder / _digest(job))


def _digest(job: NightJob) -> str:
    """Names all that the adapter depends on; the ids of night and corrections are new in every run, and left out."""
    source_ids = [example.source_id for example in job.examples]
    places = {name: place for place, name in enumerate(dict.fromkeys(source_ids))}
    examples = [asdict(example) | {"source_id": places[example.source_id]} for example in job.examples]
    code = hashlib.sha256()
    for file in sorted(files("studio.training").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py") and not file.name.startswith(_NOT_A_NIGHTS):
            code.update(file.read_bytes())
    libraries = [version(name) for name in _LIBRARIES]
    whole = [job.model_sha256, examples, asdict(job.config), code.hexdigest(), libraries, platform.machine()]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:32]
