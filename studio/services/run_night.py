"""One night from snapshot to verdict: freeze, make examples, train, choose the scale, pass the gate, promote or keep.

An interrupted night (its process killed, the machine switched off) is taken up where it stopped by the next one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import asdict

from studio.domain.generation import ModelFacts
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.domain.methods import Method
from studio.domain.nights import Night, NightProgress, NightState
from studio.errors import InterruptedNightError, StudioError, TrainingError
from studio.evaluation.validation import rephrase_probes
from studio.services.adapter_scope import EVERYWHERE
from studio.services.ask_ahead import asking_ahead, stopped_for_the_user
from studio.services.choose_corrections import choose_corrections
from studio.services.collect_examples import collect_examples
from studio.services.end_night import end_night
from studio.services.evaluate_adapter import choose_and_judge
from studio.services.interrupted_night import forget_wishes, interrupted_night, taken_up, why_training_ended
from studio.services.keep_adapter import keep_adapter
from studio.services.standing_corrections import standing_corrections
from studio.services.studio import Studio, off_loop
from studio.training.architectures import refuse_untrained
from studio.training.job import LOADING, Manifest, NightFolder, NightJob, Request, TrainingConfig
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

    Raises NightBusyError while another night runs in this workspace, InterruptedNightError when its training is killed
    and the next night can go on with it, TrainingError when there is too little to learn or training fails; yesterday's
    adapter stays in each case.
    """
    if studio.server:
        raise TrainingError(*_NOT_HERE)
    with hold_night_lock(studio.workspace.night_lock):
        await forget_wishes(studio)
        facts = await studio.model()
        night, config = await interrupted_night(studio, facts), _config(studio, max_minutes, method)
        if night is None:
            night = await _begin(studio, facts, config, tell)
        else:
            tell(taken_up(night))
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
            return await end_night(studio, night, NightState.CANCELLED, _CANCELLED)
        except InterruptedNightError:
            raise  # it is not over: the next one goes on with it
        except StudioError as error:
            await end_night(studio, night, NightState.FAILED, str(error))
            watch.stage(NightState.FAILED, str(error))
            raise


async def refuse_hopeless_night(studio: Studio) -> None:
    """Raise TrainingError where there is nothing to train on or to test it by, or the model cannot be trained.

    And EmbedderError where the result could not be judged.
    """
    if studio.server and studio.model_path is None:
        raise TrainingError(*_NOT_HERE)
    trainable = await _trainable(studio)
    if not trainable:
        raise TrainingError("There are no corrections to train on.", "Correct an answer first, then start the night.")
    _refuse_untested(trainable)
    if not studio.server:
        facts = await studio.model()
        refuse_untrained(facts.path.name if facts.path else facts.name, facts.architecture)
    if studio.settings.night.scope > EVERYWHERE:
        await studio.embedder.start()


def _refuse_untested(corrections: Sequence[Correction]) -> None:
    """Raise TrainingError where the gate could ask nothing about what is learnt, and so would promote nothing."""
    if not rephrase_probes(corrections):
        raise TrainingError(
            "All corrections that this night would learn were made in the middle of a conversation, and a night is"
            " tested on questions that stand alone.",
            "Correct an answer to the first question of a conversation too; until then these are left to lessons.",
        )


def _config(studio: Studio, max_minutes: float | None, method: str | None) -> TrainingConfig:
    wanted = asdict(studio.settings.night) | {"method": Method(method or studio.settings.night.method)}
    if max_minutes is not None:
        wanted["max_minutes"] = max_minutes
    known = {item.name for item in dataclasses.fields(TrainingConfig)}
    return TrainingConfig(**{name: value for name, value in wanted.items() if name in known})


def _folder(studio: Studio, night: Night) -> NightFolder:
    return NightFolder(studio.workspace.nights / night.id)


async def _trainable(studio: Studio) -> list[Correction]:
    return await off_loop(standing_corrections, studio.log)


async def _begin(studio: Studio, facts: ModelFacts, config: TrainingConfig, tell: Callable[[str], None]) -> Night:
    """Enter a night into the log, with the corrections that it is to learn."""
    await refuse_hopeless_night(studio)
    corrections = await choose_corrections(studio, facts.sha256, minutes=config.max_minutes, seed=config.seed)
    _refuse_untested(corrections)
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
        if await off_loop(folder.read_request) is Request.CANCEL:  # asked while the last of freezing was done
            raise _CancelledNightError
        night = replace(night, state=NightState.TRAINING)
        await off_loop(studio.log.nights.update, night)
        try:
            await _run_child(studio, night, watch, processes or studio.settings.night.processes)
        except TrainingError as error:
            raise await why_training_ended(studio, night, error) from error
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
    await keep_adapter(studio, night, manifest)
    return night


async def _run_child(studio: Studio, night: Night, watch: _Watch, processes: int) -> None:
    lock, options = studio.workspace.interactive_lock, studio.settings.night.launch_options
    async with asking_ahead(studio, await _learnt_by(studio, night)) as asking:
        async for progress in train(watch.folder, lock, processes=processes, launch_options=options):
            watch.observe(progress)
            if not progress.message.endswith(LOADING):
                asking.cancel()
            if progress.state is NightState.CANCELLED:
                raise _CancelledNightError


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
    finished = await end_night(studio, night, state, verdict.reason)
    watch.stage(state, verdict.reason)
    return finished


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
        "peak_gpu_bytes",
        "reckoned_bytes",
        "packed",
        "losses",
    )
    return {name: getattr(manifest, name) for name in names}


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
