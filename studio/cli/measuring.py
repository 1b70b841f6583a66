"""`studio demo` and `studio bench`: the guided story, and scenarios run headless in a throw-away workspace."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, one_line, pass_frame, record_option
from studio.cli.say import say
from studio.errors import MachineError, UsageError

if TYPE_CHECKING:
    from studio.domain.arms import ArmRecipe
    from studio.domain.nights import NightProgress
    from studio.evaluation.audience_file import PreparedQuestion
    from studio.services.play_demo import Chapter, Tally
    from studio.services.studio import Studio


@click.command()
@click.option("--plain", is_flag=True, help="Print instead of playing in the app.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write the results here."
)
@click.option(
    "--audience",
    type=click.Path(path_type=Path),
    help="A TOML file of questions the audience may ask; with --plain they are asked after the corrections.",
)
@record_option
@pass_frame
def demo(
    frame: Frame,
    plain: bool,
    json_file: Path | None = None,
    audience: Path | None = None,
    record: Path | None = None,
) -> None:
    """Play the guided demonstration: ask, correct, compare, train, compare again. Your own log is left alone."""
    from studio.evaluation.audience_file import load_audience

    _refuse_unwritable(json_file)
    questions = load_audience(audience) if audience else None
    if plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        if record:
            raise UsageError("--record records the app, which needs a terminal.", "Leave out --plain, or --record.")
        result = frame.run(partial(_play, audience=questions or ()))
        if json_file:
            _write_json(json_file, result)
        return
    frame.open_demo(json_file, questions, record)


async def _play(studio: Studio, audience: Sequence[PreparedQuestion]) -> dict[str, Any]:
    from studio.bootstrap import build_throwaway, starter_session
    from studio.services.play_demo import play_demo

    with throwaway_folder() as folder:
        scene = build_throwaway(folder, studio)
        return await play_demo(scene, starter_session(), PlainNarrator(), audience)


class PlainNarrator:
    """Tells the demonstration on stdout, a line at a time."""

    def __init__(self) -> None:
        self._last = ""

    async def chapter(self, chapter: Chapter) -> None:
        say(f"\n== {chapter.title} ({chapter.place}) ==\n{chapter.text}")

    async def say(self, line: str) -> None:
        say(line)

    async def correction(self, prompt: str, answer: str, corrected: str) -> None:
        say(f"\n  asked      {one_line(prompt)}")
        say(f"  answered   {one_line(answer)}")
        say(f"  corrected  {one_line(corrected)}")

    async def asked_again(self, prompt: str, right: dict[str, bool]) -> None:
        say(f"  again      {one_line(prompt)}")
        for arm, ok in right.items():
            say(f"             {arm}: {'right' if ok else 'wrong'}")

    async def tallies(self, tally: Tally) -> None:
        from studio.reporting.tables import stages_table

        for kind, stages in tally.items():
            say(f"\nRight answers, {kind}:\n{stages_table(stages)}")

    def progress(self, what: str, done: int, total: int) -> None:
        self._once(f"  {done * 10 // total * 10}% of {total} {what}")

    def night(self, progress: NightProgress) -> None:
        tenth = progress.step * 10 // progress.steps if progress.steps else 0
        loss = f", loss {progress.loss:.3f}" if progress.loss is not None else ""
        self._once(
            f"  {progress.state}: {tenth * 10}%{loss}" if progress.steps else f"  {progress.state}",
            key=f"{progress.state}{tenth}",
        )

    def _once(self, line: str, key: str = "") -> None:
        if (key or line) != self._last:
            self._last = key or line
            say(line)


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--arms", default=None, help="Comma-separated; all that can answer by default.")
@click.option("--orders", type=click.IntRange(min=1), default=1, help="The given order and N-1 shuffles within days.")
@click.option("--every", type=click.IntRange(min=0), default=0, help="Ask also within days, after each N corrections.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=96, show_default=True, help="Of an answer.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results here.")
@pass_frame
def bench(  # noqa: PLR0917 - click passes them by name
    frame: Frame, scenario: Path, arms: str | None, orders: int, every: int, max_tokens: int, json_file: Path | None
) -> None:
    """Run a SCENARIO folder: corrections day by day, nights between, all probes by free generation."""
    from studio.bootstrap import build_throwaway
    from studio.reporting.bench_report import bench_tables
    from studio.services.run_scenario import run_scenario

    _refuse_unwritable(json_file)

    async def use(studio: Studio) -> dict[str, Any]:
        recipes = await _arms_of_bench(studio, arms)
        with throwaway_folder() as folder:
            return await run_scenario(
                lambda name: build_throwaway(folder / name, studio, repeats_nights=False),
                scenario,
                recipes,
                orders=orders,
                every=every,
                max_tokens=max_tokens,
                tell=lambda line: say(line, err=True),
            )

    result = frame.run(use)
    try:
        if json_file:
            _write_json(json_file, result)
    finally:  # hours of work are seen also where they cannot be written
        say(bench_tables(result))


async def _arms_of_bench(studio: Studio, named: str | None) -> Sequence[ArmRecipe]:
    """The arms named, or all that can answer. Raises AdapterError where a reader is asked for and there is none."""
    from studio.services.reader import answering_arms, reader_of, without_versions

    if not named:
        recipes, without_reader = await answering_arms(studio)
        recipes, without_adapter = without_versions(recipes)
        for left_out in filter(None, (without_reader, without_adapter)):
            say(left_out, err=True)
        return recipes
    names = [name.strip() for name in named.split(",")]
    if not all(names):
        raise UsageError("--arms has an empty name in it.", "Write for example: --arms frozen,lessons")
    chosen = [studio.arm(name) for name in names]
    if own := [recipe for recipe in chosen if recipe.names_version]:
        raise UsageError(
            f"The arm {own[0].name} answers with your adapter v{own[0].adapter}, and a scenario trains its own.",
            "Leave it out of --arms.",
        )
    if any(recipe.rests_on_reader for recipe in chosen):
        await reader_of(studio)
    return chosen


@contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="studio-") as folder:
        yield Path(folder)


def _refuse_unwritable(file: Path | None) -> None:
    """Fail before minutes of work rather than after."""
    if file is None:
        return
    folder = file.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"The folder of {file} does not exist.", "Create it first.")
    try:
        with file.open("ab") if file.exists() else tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(file, error) from error


def _write_json(file: Path, result: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(result, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> MachineError:
    return MachineError(f"{file} cannot be written ({error.strerror}).", "Choose another file with --json.")
