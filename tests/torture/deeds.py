"""What the studio does that must not be lost or left half done: the real services over a real log, without a model.

A deed is prepared once, then done in many copies of the same folder, each interrupted at another change of the disk.
What it tells by name is what the user was told: from then on it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from made_reader import manifest_of
from studio_fakes import fake_studio

from studio.domain.generation import ChatMessage, Role
from studio.domain.log import Correction
from studio.domain.nights import NightProgress, NightState, TrainingExample
from studio.errors import UsageError
from studio.exchange.privacy import Privacy
from studio.exchange.request import ExportRequest
from studio.services import run_night as night_module
from studio.services.adapters import adapters, adapters_off, remove_adapter, use_adapter
from studio.services.change_settings import set_setting
from studio.services.evaluate_adapter import GateVerdict
from studio.services.export_corrections import export_corrections
from studio.services.import_corrections import import_corrections, learn_import, undo_import
from studio.services.learn_lessons import learn_lesson, learn_pending
from studio.services.record_correction import record_correction, redo_correction, undo_correction
from studio.services.studio import Studio
from studio.storage import DuckDbLog
from studio.storage.database import Database
from studio.storage.schema import prepare as migrate_log
from studio.storage.schema import shipped_migrations
from studio.training.job import NightFolder, write_atomically

Tell = Callable[[str, str], None]
"""Called with the kind of what is now safe and its name, after the service has returned."""


@dataclass(frozen=True, slots=True)
class Deed:
    """`prepare` is done undisturbed; `act` may be interrupted anywhere, and is done again afterwards, to its end."""

    name: str
    prepare: Callable[[Studio, Tell], Coroutine[Any, Any, None]]
    act: Callable[[Studio, Tell], Coroutine[Any, Any, None]]

    def prepare_in(self, folder: Path, tell: Tell) -> None:
        asyncio.run(self.prepare(fake_studio(folder), tell))

    def act_in(self, folder: Path, tell: Tell) -> None:
        asyncio.run(self.act(fake_studio(folder), tell))


QUESTIONS = ("When does the tram leave?", "How long is the refund window?", "Who keeps the key of the north gate?")


def log_of(studio: Studio) -> DuckDbLog:
    """The log with what only the command line and doctor do to it."""
    assert isinstance(studio.log, DuckDbLog)
    return studio.log


async def correct(studio: Studio, tell: Tell, prompt: str, answer: str) -> Correction:
    correction = await record_correction(studio, answer=None, prompt=prompt, corrected=answer, original="No idea.")
    tell("correction", correction.id)
    return correction


async def nothing(studio: Studio, tell: Tell) -> None:
    """An empty workspace."""


async def some_corrections(studio: Studio, tell: Tell) -> None:
    for number, question in enumerate(QUESTIONS):
        await learn_lesson(studio, await correct(studio, tell, question, f"At {number + 7} o'clock."))


async def save(studio: Studio, tell: Tell) -> None:
    for number, question in enumerate(QUESTIONS[:2]):
        await correct(studio, tell, question, f"{number + 1} of them, surely. " + "And so on. " * 200)


async def distil(studio: Studio, tell: Tell) -> None:
    """One that is new, one that overrules what is known, one that says the same once more."""
    said = [("Where is the harbour?", "By the mill."), (QUESTIONS[0], "At noon."), (QUESTIONS[1], "At 8 o'clock.")]
    for prompt, answer in said:
        made = await correct(studio, tell, prompt, answer)
        await learn_lesson(studio, made)
        tell("lesson", made.id)


async def undo(studio: Studio, tell: Tell) -> None:
    """The last one, which overruled an earlier one: that holds again."""
    last = (await asyncio.to_thread(studio.log.corrections.all))[-1]
    with suppress(UsageError):
        await undo_correction(studio, last.id)
    tell("undone", last.id)


async def overruled(studio: Studio, tell: Tell) -> None:
    await some_corrections(studio, tell)
    history = (ChatMessage(Role.USER, "Hello."), ChatMessage(Role.ASSISTANT, "Hello."))
    # With a history it supersedes nothing, but its lesson overrules the earlier lesson.
    made = await record_correction(
        studio, answer=None, prompt=QUESTIONS[0], corrected="At noon.", original="?", history=history
    )
    await learn_lesson(studio, made)


async def undone(studio: Studio, tell: Tell) -> None:
    await overruled(studio, tell)
    await undo(studio, tell=lambda kind, name: None)


async def redo(studio: Studio, tell: Tell) -> None:
    last = (await asyncio.to_thread(studio.log.corrections.all))[-1]
    with suppress(UsageError):
        await redo_correction(studio, last.id)
    tell("redone", last.id)


async def export(studio: Studio, tell: Tell) -> None:
    for name in ("jsonl", "trl-dpo"):
        target = studio.workspace.root / "exports" / name
        if not target.exists():
            request = ExportRequest(name, privacy=Privacy.OFF)
            await asyncio.to_thread(export_corrections, studio.log, target, request)
        tell("export", name)


async def two_logs(studio: Studio, tell: Tell) -> None:
    """A log, and one of another machine, which knows better about one question."""
    await some_corrections(studio, tell)
    other = fake_studio(studio.workspace.root / "other")
    for prompt, answer in ((QUESTIONS[0], "At noon."), ("Where is the harbour?", "By the mill.")):
        await record_correction(other, answer=None, prompt=prompt, corrected=answer, original="?")


async def import_them(studio: Studio, tell: Tell) -> None:
    file = studio.workspace.root / "other" / "sessions" / "studio.duckdb"
    imported = await import_corrections(studio, file)
    for correction in fake_studio(studio.workspace.root / "other").log.corrections.all():
        tell("correction", correction.id)
    await learn_import(studio, imported)
    if imported.made is not None:
        tell("import", imported.made.id)


async def imported(studio: Studio, tell: Tell) -> None:
    await two_logs(studio, tell)
    await import_them(studio, tell)


async def take_back(studio: Studio, tell: Tell) -> None:
    (made,) = await asyncio.to_thread(studio.log.imports.all)
    with suppress(UsageError):
        await undo_import(studio, made.id)
    tell("taken back", made.id)


async def back_up(studio: Studio, tell: Tell) -> None:
    for _ in range(2):
        tell("backup", (await asyncio.to_thread(log_of(studio).backup)).name)


async def backed_up(studio: Studio, tell: Tell) -> None:
    """Older corrections in a backup, and one since."""
    await some_corrections(studio, tell)
    await asyncio.to_thread(log_of(studio).backup)
    made = await record_correction(studio, answer=None, prompt="Where is it?", corrected="Here.", original="?")
    tell("correction somewhere", made.id)


async def restore(studio: Studio, tell: Tell) -> None:
    oldest = (await asyncio.to_thread(studio.log.backups))[-1]
    await asyncio.to_thread(log_of(studio).restore, oldest)
    tell("restored", oldest.name)


async def old_log(studio: Studio, tell: Tell) -> None:
    """A log as the first version made it."""
    file = studio.workspace.log_file
    migrate_log(Database(file), lambda: None, shipped_migrations()[:1])
    with duckdb.connect(file) as connection:
        for number in range(10):
            made = f"old-{number}"
            connection.execute(
                "INSERT INTO correction (id, prompt, corrected, original, created_at, conditions, history, rationale,"
                " feedback, labels, origin) VALUES (?, 'When?', ?, 'No.', now(), '{}', '[]', '', '', [], 'chat')",
                [made, "At ten. " * 50],
            )
            tell("correction", made)


async def migrate(studio: Studio, tell: Tell) -> None:
    await asyncio.to_thread(studio.log.open)
    tell("migrated", str(len(shipped_migrations())))


async def night(studio: Studio, tell: Tell) -> None:
    """A whole night without the computing: its snapshot, its adapter, its promotion."""

    async def a_few_examples(*_: Any, **__: Any) -> list[TrainingExample]:
        return [TrainingExample((ChatMessage(Role.USER, "How long?"),), "45 days.", "c1")]

    async def trained(folder: NightFolder, *_: Any, **__: Any) -> AsyncIterator[NightProgress]:
        write_adapter(folder)
        yield NightProgress(folder.path.name, NightState.EVALUATING)

    async def better(*_: Any) -> GateVerdict:
        return GateVerdict(0.8, True, "It is better.", {})

    for name, instead in (("collect_examples", a_few_examples), ("train", trained), ("choose_and_judge", better)):
        setattr(night_module, name, instead)
    finished = await night_module.run_night(studio)
    tell("night", finished.id)
    tell("active", str(finished.adapter_id))


def write_adapter(folder: NightFolder) -> None:
    weights = b"weights " * 20_000
    write_atomically(folder.adapter_file, weights)
    job = folder.read_job()
    folder.write_manifest(
        replace(manifest_of(weights, job.model_sha256), night_id=job.night_id, correction_ids=job.correction_ids)
    )


async def two_adapters(studio: Studio, tell: Tell) -> None:
    await some_corrections(studio, tell)
    for _ in range(2):
        await night(studio, lambda kind, name: None)


async def choose(studio: Studio, tell: Tell) -> None:
    """Back to the first adapter, the second removed, then none."""
    first, second = await adapters(studio)
    await use_adapter(studio, first.version)
    if not second.removed:
        await remove_adapter(studio, second.version)
    tell("removed", second.id)
    await adapters_off(studio)


async def settings(studio: Studio, tell: Tell) -> None:
    for value in ("0.9", "0.7"):
        await asyncio.to_thread(set_setting, studio.workspace.settings_file, "sampling.temperature", value)
    tell("setting", "temperature = 0.7")


async def catch_up(studio: Studio) -> None:
    """What the next start does about what was interrupted."""
    await learn_pending(studio)


DEEDS = (
    Deed("create", nothing, save),
    Deed("save", some_corrections, save),
    Deed("distil", some_corrections, distil),
    Deed("undo", overruled, undo),
    Deed("redo", undone, redo),
    Deed("export", some_corrections, export),
    Deed("import", two_logs, import_them),
    Deed("import taken back", imported, take_back),
    Deed("backup", some_corrections, back_up),
    Deed("restore", backed_up, restore),
    Deed("migration", old_log, migrate),
    Deed("night and promotion", some_corrections, night),
    Deed("adapters by hand", two_adapters, choose),
    Deed("settings", nothing, settings),
)
BY_NAME = {deed.name: deed for deed in DEEDS}
