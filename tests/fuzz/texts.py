"""What is read in the program's own process: one function a kind, that reads a file as the product does.

Each returns whether the file was taken; what the product refuses it with are StudioErrors, or words of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from story_log import story_log

from fuzz.training import loads, resumes
from studio.domain.identity import utc_now
from studio.errors import StudioError
from studio.evaluation.audience_file import load_audience
from studio.evaluation.scenario_file import load_scenario
from studio.exchange.reading import read_file
from studio.inference.file_identity import remembered_sha256
from studio.models.catalogue import read_catalogue
from studio.models.found import Surroundings, found_on_disk
from studio.models.records import Records
from studio.services.change_settings import set_setting, setting_states
from studio.services.import_corrections import preview_import
from studio.services.kept_completions import _read as read_kept
from studio.services.plan_import import plan_import
from studio.settings import load_settings
from studio.storage import DuckDbLog, check_log, restore_log
from studio.training.job import NightFolder
from studio.tui.themes import load_themes

ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = """# mine
[model]
context_tokens = 4096
threads = 2
[sampling]
temperature = 0.0
[prompt]
system = "You are a helpful assistant."
[night]
method = "lora"
max_minutes = 30.0
[ui]
theme = "studio-dark"
[ui.keys]
"compare" = "c"
[arms.yesterday]
adapter = "3"
memory = "lessons"
"""
_OWN = """{"format_version": 1, "record": "correction", "id": "01900000-0000-7000-8000-000000000000", "prompt": "When?",
"corrected": "At ten.", "original": "", "created_at": "2026-03-01T12:00:00+00:00", "check": {"include": [["ten"]],
"exclude": [], "pattern": null, "max_words": null}, "history": [], "turn_id": null, "answer_id": null, "arm": null,
"rationale": "", "feedback": "", "labels": [], "supersedes": null, "origin": "user", "undo_events": []}"""
_IMPORTS = (
    '{"prompt": "When?", "chosen": "At ten.", "rejected": "At nine."}\n{"prompt": "Who?", "chosen": "I."}',
    '[{"instruction": "When?", "input": "", "output": "Ten."},\n{"instruction": "Who?", "input": "x", "output": "I."}]',
    "prompt,corrected,original\nWhen?,At ten.,At nine.\nWho?,I.,You.\n",
    '{"messages": [{"role": "user", "content": "When?"}, {"role": "assistant", "content": "At ten."}]}',
    _OWN.replace("\n", " "),
)
_SCENARIO = ("corrections.jsonl", "general.jsonl", "scenario.toml")
_AUDIENCE = ROOT / "sessions" / "starter" / "audience.toml"
_OLLAMA = '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:%s"}]}' % ("a" * 64)
_NIGHT = (
    '{"night_id": "n", "model_path": "m.gguf", "model_sha256": "a", "examples": [{"messages": [{"role": "user",'
    ' "content": "When?"}], "completion": "At ten.", "source_id": "c", "replay": false}], "correction_ids": ["c"],'
    ' "config": {"method": "lora", "rank": 8}, "state": "training", "losses": [1.0], "step": 1, "targets": ["a"]}'
)


def seeds(folder: Path) -> dict[str, list[bytes]]:
    """Whole files of each kind, to be damaged."""
    starter = ROOT / "sessions" / "starter"
    log = story_log(folder / "whole")
    log.backup()
    return {
        "settings": [_SETTINGS.encode()],
        "themes": [
            file.read_bytes().replace(b'name = "studio-', b'name = "my-')
            for file in sorted((ROOT / "themes").glob("*.toml"))
        ],
        "scenarios": [
            (starter / name).read_bytes() for name in ("corrections.jsonl", "general.jsonl", "scenario.toml")
        ],
        "imports": [text.encode() for text in _IMPORTS],
        "audiences": [_AUDIENCE.read_bytes()],
        "notes": [_OLLAMA.encode(), _NIGHT.encode(), (ROOT / "local_models" / "catalogue.toml").read_bytes()],
        "logs": [(folder / "whole" / "sessions" / "studio.duckdb").read_bytes()],
    }


def readers(folder: Path) -> dict[str, Callable[[Path, int], bool]]:
    """How each kind is read; the number says which of the seeds the file was made of."""
    return {
        "settings": _settings,
        "themes": _theme,
        "scenarios": lambda file, seed: _scenario(file, seed, folder),
        "imports": _import,
        "audiences": lambda file, _: bool(load_audience(file)),
        "notes": lambda file, seed: _notes(file, seed, folder),
        "logs": lambda file, _: _log(file, folder),
        "trained": loads,
        "checkpoints": resumes,
    }


def _settings(file: Path, _: int) -> bool:
    load_settings(file)
    setting_states(file)
    set_setting(file, "model.threads", "2")
    load_settings(file)
    return True


def _theme(file: Path, _: int) -> bool:
    alone = file.parent / "themes"
    alone.mkdir(exist_ok=True)
    moved = file.replace(alone / "mine.toml")
    before, _none = load_themes(file.parent / "none")
    themes, failures = load_themes(alone)
    moved.unlink()
    for theme in themes[len(before) :]:
        theme.to_color_system().generate()
        return True
    assert failures, "a theme was passed over in silence"
    return False


def _scenario(file: Path, seed: int, folder: Path) -> bool:
    place = folder / "scenario"
    shutil.copytree(ROOT / "sessions" / "starter", place, dirs_exist_ok=True)
    file.replace(place / _SCENARIO[seed])
    load_scenario(place)
    return True


def _import(file: Path, _: int) -> bool:
    plan = plan_import(read_file(file), [], set(), utc_now())
    plan.with_checks()
    return len(plan.additions) > 0


def _notes(file: Path, seed: int, folder: Path) -> bool:
    """What other programs, earlier nights and earlier runs left: it is passed over, or told of, where it is damaged."""
    if seed == 2:
        read_catalogue([file])
        return True
    home = folder / "home" / ".ollama" / "models"
    for place in (home / "manifests" / "a" / "b" / "c", folder / "records", folder / "night"):
        place.mkdir(parents=True, exist_ok=True)
    settings = folder / "home" / ".lmstudio" / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    for target in (home / "manifests" / "a" / "b" / "c" / "d", folder / "records" / "one.json", settings):
        shutil.copyfile(file, target)
    found_on_disk(Surroundings(folder / "home", {}))
    Records(folder / "records").all()
    remembered_sha256(file, file)
    read_kept(file)
    night = NightFolder(folder / "night")
    taken = False
    for target, read in (
        (night.job_file, night.read_job),
        (night.progress_file, night.read_progress),
        (night.manifest_file, night.read_manifest),
        (night.control_file, night.read_request),
    ):
        shutil.copyfile(file, target)
        try:
            read()
            taken = True
        except StudioError:
            pass
    return taken


def _log(file: Path, folder: Path) -> bool:
    """A damaged log, as the log itself, as a backup, and as another log to import."""
    check_log(file)
    here = folder / "here"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    own = DuckDbLog(here / "studio.duckdb", here / "backups")
    own.open()
    refusals = 0
    for use in (lambda: preview_import(own, file), lambda: restore_log(here / "studio.duckdb", here / "backups", file)):
        try:
            use()
        except StudioError:
            refusals += 1
    own.corrections.all()
    live = here / "live.duckdb"
    os.link(file, live)
    log = DuckDbLog(live, here / "live-backups")
    log.corrections.all()
    log.query("FROM answers_by_arm")
    log.backup()
    return refusals == 0
