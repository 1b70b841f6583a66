"""One night from snapshot to verdict: freeze, make examples, train, choose the scale, pass the gate, promote or keep.

An interrupted night (its process killed, the machine switched off) is taken up where it stopped by the next one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import asdict

from studio.domain.generation import ModelFacts
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.domain.methods import Method
from studio.domain.nights import Adapter, Night, NightProgress, NightState
from studio.durable import sync_file, sync_folder
from studio.errors import StudioError, TrainingError
from studio.owned_folder import owned_folder
from studio.services.adapter_scope import EVERYWHERE
from studio.services.ask_ahead import asking_ahead, stopped_for_the_user
from studio.services.choose_corrections import choose_corrections
from studio.services.collect_examples import collect_examples
from studio.services.evaluate_adapter import choose_and_judge
from studio.services.studio import Studio, off_loop
from studio.training.architectures import refuse_untrained
from studio.training.job import LOADING, Manifest, NightFolder, NightJob, Request, TrainingConfig, refusals_told
from studio.training.launcher import GiveWay, hold_night_lock, train

HEEDED_EVERY_S = 0.5
_NOT_HERE = (
    "A server answers, and a night can only train a model whose GGUF file lies on this machine.",
    "Name the file that the server runs as remote.same_as and run: studio night; or take remote.base_url away.",
)

Observe = Callable[[NightProgress], None]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Watch:
    """Tells a night's progress to whoever watches: the caller, and through the folder every other process."""

    folder: NightFolder
    observe: Observe

    def tell(self, progress: NightProgress) -> None:
        self.folder.write_progress(progress)
        self.observe(progress)

    def stage(self, state: NightState, message: str, done: int = 0, total: int = 0) -> None:
        """Keep what training reported last; change the state, the message and how much is done."""
        last = self.folder.read_progress() or NightProgress(self.folder.path.name, state)
        self.tell(replace(last, state=state, message=message, step=done, steps=total, eta_s=None))

    def answered(self, message: str, done: int, total: int) -> None:
        """One more answer of an evaluation; told twenty times, each telling is written to disk."""
        if done * 20 // total > (done - 1) * 20 // total:
            self.stage(NightState.EVALUATING, message, done, total)


async def run_night(
    studio: Studio,
    *,
    max_minutes: float | None = None,
    method: str | None = None,
    processes: int | None = None,
    observe: Observe = lambda progress: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Night:
    """Run one night to its end and return it, promoted, kept or cancelled.

    A night that was interrupted is taken up as it was begun, so that it ends as it would have; `tell` hears of it.

    Raises NightBusyError while another night runs in this workspace, TrainingError when there is too little to learn
    or training fails; yesterday's adapter stays in either case.
    """
    if studio.server:
        raise TrainingError(*_NOT_HERE)
    with hold_night_lock(studio.workspace.night_lock):
        facts = await studio.model()
        night, config = await _interrupted(studio, facts), _config(studio, max_minutes, method)
        if night is None:
            night = await _begin(studio, facts, config, tell)
        else:
            tell(_taken_up(night))
        folder = _folder(studio, night)
        await off_loop(folder.sweep)
        watch = _Watch(folder, observe)
        try:
            if not folder.job_file.is_file():
                await _unless_cancelled(folder, _freeze(studio, facts, night, config))
            night = await _train(studio, night, watch, processes)
            return await _unless_cancelled(folder, _judge(studio, facts, night, watch))
        except _CancelledNightError:
            watch.stage(NightState.CANCELLED, _CANCELLED)
            return await _finish(studio, night, NightState.CANCELLED, _CANCELLED)
        except StudioError as error:
            await _finish(studio, night, NightState.FAILED, str(error))
            watch.stage(NightState.FAILED, str(error))
            raise


async def refuse_hopeless_night(studio: Studio) -> None:
    """Raise TrainingError where there is nothing to train on, or the model cannot be trained.

    And EmbedderError where the result could not be judged.
    """
    if studio.server and studio.model_path is None:
        raise TrainingError(*_NOT_HERE)
    if not await _trainable(studio):
        raise TrainingError("There are no corrections to train on.", "Correct an answer first, then start the night.")
    if not studio.server:
        facts = await studio.model()
        refuse_untrained(facts.path.name if facts.path else facts.name, facts.architecture)
    if studio.settings.night.scope > EVERYWHERE:
        await studio.embedder.start()


def _config(studio: Studio, max_minutes: float | None, method: str | None) -> TrainingConfig:
    wanted = asdict(studio.settings.night) | {"method": Method(method or studio.settings.night.method)}
    if max_minutes is not None:
        wanted["max_minutes"] = max_minutes
    known = {item.name for item in dataclasses.fields(TrainingConfig)}
    return TrainingConfig(**{name: value for name, value in wanted.items() if name in known})


def _folder(studio: Studio, night: Night) -> NightFolder:
    return NightFolder(studio.workspace.nights / night.id)


async def _trainable(studio: Studio) -> list[Correction]:
    return await off_loop(studio.log.corrections.in_force)


async def _interrupted(studio: Studio, facts: ModelFacts) -> Night | None:
    """The newest night that never ended, if its snapshot is whole and of this model; older ones are given up."""
    unfinished = [night for night in await off_loop(studio.log.nights.all) if not night.state.is_over]
    for number, night in enumerate(unfinished):
        whole = _folder(studio, night).job_file.is_file()
        if number == 0 and whole and night.model_sha256 == facts.sha256:
            return night
        await _finish(studio, night, NightState.FAILED, "It was interrupted before it could be taken up again.")
    return None


def _taken_up(night: Night) -> str:
    return (
        f"Going on with the night begun {night.started_at.astimezone():%Y-%m-%d %H:%M}, which was interrupted,"
        f" with the options it was begun with: max-minutes {night.config['max_minutes']:g},"
        f" method {night.config['method']}."
    )


async def _begin(studio: Studio, facts: ModelFacts, config: TrainingConfig, tell: Callable[[str], None]) -> Night:
    """Enter a night into the log, with the corrections that it is to learn."""
    await refuse_hopeless_night(studio)
    corrections = await choose_corrections(studio, facts.sha256, minutes=config.max_minutes, seed=config.seed)
    if left_out := len(await _trainable(studio)) - len(corrections):
        tell(
            f"{len(corrections)} corrections fit into {config.max_minutes:g} minutes, the new ones first; {left_out}"
            " are left to lessons. night.max_minutes in studio.toml, or --max-minutes, gives more time."
        )
    night = Night(
        id=new_id(),
        state=NightState.PREPARING,
        started_at=utc_now(),
        model_sha256=facts.sha256,
        correction_ids=tuple(correction.id for correction in corrections),
        config=dataclasses.asdict(config),
    )
    await off_loop(studio.log.nights.add, night)
    await off_loop(_folder(studio, night).make)
    return night


async def _freeze(studio: Studio, facts: ModelFacts, night: Night, config: TrainingConfig) -> None:
    """Write the snapshot: from here on the live log is not read for training."""
    corrections = await _learnt_by(studio, night)
    assert facts.path is not None  # only a server's model has none
    examples = await collect_examples(studio, corrections, seed=config.seed)
    job = NightJob(night.id, facts.path, facts.sha256, tuple(examples), night.correction_ids, config)
    await off_loop(_folder(studio, night).write_job, job)


async def _learnt_by(studio: Studio, night: Night) -> list[Correction]:
    learnt = set(night.correction_ids)
    return [correction for correction in await off_loop(studio.log.corrections.all) if correction.id in learnt]


async def _train(studio: Studio, night: Night, watch: _Watch, processes: int | None) -> Night:
    """The night with its adapter trained, for the first time or before it was interrupted."""
    folder, kept = watch.folder, studio.kept_nights
    if kept and await off_loop(folder.read_manifest) is None:
        await off_loop(kept.restore, folder)
    if await off_loop(folder.read_manifest) is None:
        night = replace(night, state=NightState.TRAINING)
        await off_loop(studio.log.nights.update, night)
        settings, lock = studio.settings.night, studio.workspace.interactive_lock
        together = processes or settings.processes
        async with asking_ahead(studio, await _learnt_by(studio, night)) as asking:
            async for progress in train(folder, lock, processes=together, launch_options=settings.launch_options):
                watch.observe(progress)
                if not progress.message.endswith(LOADING):
                    asking.cancel()
                if progress.state is NightState.CANCELLED:
                    raise _CancelledNightError
        if kept:
            await off_loop(kept.keep, folder)
    manifest = await off_loop(folder.read_manifest)
    if manifest is None:
        last = await off_loop(folder.read_progress)
        why = last.message if last and last.message else "the training process ended without an adapter"
        raise TrainingError(f"The night failed: {why}.", f"Details are in {folder.log_file}.")
    night = replace(night, state=NightState.EVALUATING, metrics=_training_metrics(manifest))
    await off_loop(studio.log.nights.update, night)
    watch.stage(NightState.EVALUATING, "asking held-back questions")
    await _keep_adapter(studio, night, manifest)
    return night


async def _judge(studio: Studio, facts: ModelFacts, night: Night, watch: _Watch) -> Night:
    """Ask the questions, choose the scale, pass the gate; promoted or kept."""
    adapter = next(one for one in await off_loop(studio.log.adapters.all, facts.sha256) if one.night_id == night.id)
    corrections = await _learnt_by(studio, night)
    async with GiveWay(studio.workspace.interactive_lock, partial(stopped_for_the_user, studio)):
        verdict = await choose_and_judge(studio, adapter, corrections, watch.answered)
    await off_loop(studio.log.adapters.set_scale, adapter.id, verdict.scale)
    if verdict.promote:
        await off_loop(studio.log.adapters.activate, facts.sha256, adapter.id, verdict.reason, utc_now())
    state = NightState.PROMOTED if verdict.promote else NightState.KEPT
    night = replace(night, adapter_id=adapter.id, metrics={**night.metrics, **verdict.metrics})
    finished = await _finish(studio, night, state, verdict.reason)
    watch.stage(state, verdict.reason)
    return finished


async def _keep_adapter(studio: Studio, night: Night, manifest: Manifest) -> None:
    """Copy the adapter with its manifest among the adapters and enter it, inactive; once, however often resumed."""
    model = night.model_sha256
    if any(adapter.night_id == night.id for adapter in await off_loop(studio.log.adapters.all, model)):
        return
    version = await off_loop(studio.log.adapters.next_version, model)
    relative = f"{model[:12]}/v{version}"
    adapter = Adapter(
        id=new_id(),
        version=version,
        model_sha256=model,
        night_id=night.id,
        path=f"{relative}/adapter.gguf",
        sha256=manifest.adapter_sha256,
        method=manifest.method,
        rank=manifest.rank,
        scale=1.0,
        created_at=utc_now(),
    )

    def copy() -> None:
        target, folder = studio.workspace.adapters / relative, _folder(studio, night)
        with refusals_told(target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with owned_folder(target.parent) as draft:
                for file in (folder.adapter_file, folder.manifest_file):
                    sync_file(Path(shutil.copy2(file, draft / file.name)))
                if target.exists():  # put there by a night that ended before it was entered into the log
                    shutil.rmtree(target)
                draft.replace(target)
                sync_folder(target.parent)
        studio.log.adapters.add(adapter)

    await off_loop(copy)


def _training_metrics(manifest: Manifest) -> dict[str, object]:
    names = (
        "examples",
        "replayed",
        "steps",
        "device",
        "dtype",
        "stopped_because",
        "running_s",
        "wall_s",
        "peak_rss_bytes",
        "reckoned_bytes",
        "packed",
        "losses",
    )
    return {name: getattr(manifest, name) for name in names}


async def _finish(studio: Studio, night: Night, state: NightState, reason: str) -> Night:
    finished = replace(night, state=state, reason=reason, finished_at=utc_now())
    await off_loop(studio.log.nights.update, finished)
    return finished


_CANCELLED = "Cancelled; what was in use stays."


class _CancelledNightError(Exception):
    """Control flow: the user ended the night."""


async def _unless_cancelled(folder: NightFolder, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns. Training obeys the control file by itself; what comes before and after it is ended here."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=HEEDED_EVERY_S))[0]:
            if await off_loop(folder.read_request) is Request.CANCEL:
                raise _CancelledNightError
        return task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})
