"""`studio models`: which there are, pulling, adding, removing and choosing one."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, interruptible, json_option, one_line, pass_frame, print_json
from studio.cli.say import say
from studio.domain.sizes import size_text
from studio.errors import UsageError

if TYPE_CHECKING:
    from studio.models.hub import Repository
    from studio.models.pull_progress import PullProgress
    from studio.services.measured_forms import MeasuredForms
    from studio.services.model_shelf import Shelf, ShelfModel

_REPAINT_S = 0.25
_EMPTY_LINE = "\r\x1b[K"


def _shelf(frame: Frame) -> Shelf:
    from studio.bootstrap import catalogues
    from studio.services.model_shelf import Shelf

    workspace = frame.workspace.ensure()
    return Shelf(workspace, catalogues(workspace))


def _models(shelf: Shelf) -> list[ShelfModel]:
    from studio.services.model_shelf import model_in_use, models_on

    return models_on(shelf, model_in_use(shelf))


@click.group()
def models() -> None:
    """The models one can answer with."""


@models.command("list")
@json_option
@pass_frame
def list_models(frame: Frame, as_json: bool) -> None:
    """List the models that are here, those of the catalogue, and those of other programs on this machine."""
    from studio.cli.models_listed import list_all

    list_all(_shelf(frame), as_json=as_json)


@models.command()
@click.argument("wanted")
@click.option("--list", "only_list", is_flag=True, help="Only say which files the repository offers.")
@click.option("--sha256", default="", help="What the file at an https address must be.")
@click.option("--use", "then_use", is_flag=True, help="Answer with it once it is here.")
@pass_frame
def pull(frame: Frame, wanted: str, only_list: bool, sha256: str, then_use: bool) -> None:
    """Fetch a model: a name of the catalogue, org/repo[:quant] of the Hugging Face hub, or an https address.

    ctrl+c stops it; the same command goes on where it stopped.
    """
    from studio.services.fetch_model import fetch_model, offered
    from studio.services.keep_models import choose_model
    from studio.services.model_shelf import model_named, path_of

    shelf = _shelf(frame)
    if only_list:
        _print_repository(asyncio.run(interruptible(lambda: offered(shelf, wanted))))
        return
    _warn_if_too_large(shelf, wanted)
    shown = _PullLine(one_line(wanted, 40))
    try:
        record = asyncio.run(interruptible(lambda: fetch_model(shelf, wanted, watch=shown, sha256=_hash(sha256))))
    except KeyboardInterrupt:
        shown.clear()
        stopped = f"studio: Stopped pulling {one_line(wanted, 80)}. What is here is kept: the same command goes on."
        say(stopped, err=True)
        raise
    finally:
        shown.clear()
    say(f"{record.name} is here: {one_line(str(path_of(shelf, record)), 200)}")
    if then_use:
        model = model_named(_models(shelf), record.name)
        choose_model(shelf, model)
        say(_chosen(shelf, model))
    else:
        say(f"Answer with it: studio models use {record.name}")


def _warn_if_too_large(shelf: Shelf, wanted: str) -> None:
    from studio.models.fit import Fit
    from studio.services.describe_model import room_for

    for model in _models(shelf):
        if (
            model.entry is not None
            and model.name == wanted.casefold()
            and (room := room_for(model, None)).fit is Fit.NOT
        ):
            say(f"studio: It will hardly run here. {room.words}", err=True)


def _print_repository(found: Repository) -> None:
    say(f"{found.name}, licence: {one_line(found.licence, 40) or 'not told'}")
    for file in found.files:
        note = "" if file.whole else "  (one of several parts: not loaded here)"
        size = size_text(file.bytes)
        say(f"  {one_line(file.quant or '?', 12):12} {size:>11}  {one_line(file.path, 90)}{note}")


def _hash(text: str) -> str:
    digest = text.strip().lower()
    if digest and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
        raise UsageError("A SHA-256 has 64 hexadecimal digits.", "Copy it from where the file is offered.")
    return digest


@models.command()
@click.argument("path", type=click.Path(path_type=Path))
@pass_frame
def add(frame: Frame, path: Path) -> None:
    """Know the model file at PATH by name, where it lies; nothing is copied."""
    from studio.services.keep_models import add_model

    record = add_model(_shelf(frame), path)
    say(f"Added as {record.name}. Answer with it: studio models use {record.name}")


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_frame
def remove(frame: Frame, name: str, yes: bool) -> None:
    """Delete the model NAME that was pulled, or forget one that was added; its file stays then."""
    from studio.services.keep_models import refuse_removal, remove_model
    from studio.services.model_shelf import Place, model_named

    shelf = _shelf(frame)
    model = model_named(_models(shelf), name)
    refuse_removal(shelf, model)
    if not yes and model.place is not Place.ADDED:
        if not sys.stdin.isatty():
            raise UsageError(f"{model.name} would be deleted ({size_text(model.bytes)}).", "Say so with --yes.")
        if not click.confirm(f"Delete {model.name} ({size_text(model.bytes)})? It can only be pulled again."):
            say("Nothing was removed.")
            return
    remove_model(shelf, model)
    say(f"{model.name} is forgotten; its file stays." if model.place is Place.ADDED else f"{name} is removed.")


@models.command()
@click.argument("name")
@pass_frame
def use(frame: Frame, name: str) -> None:
    """Answer with the model NAME from now on; an open app does so from its next start."""
    from studio.services.keep_models import choose_model
    from studio.services.model_shelf import model_named

    shelf = _shelf(frame)
    model = model_named(_models(shelf), name)
    choose_model(shelf, model)
    say(_chosen(shelf, model))


@models.command()
@json_option
@pass_frame
def measure(frame: Frame, as_json: bool) -> None:
    """Find the form in which the model in use reads lessons best; prompts have it from then on.

    It is asked some hundred short questions in each form: a minute or two for a small model, longer for a large one.
    ctrl+c stops it; the same command goes on where it stopped.
    """
    import msgspec

    from studio.cli.progress_line import progress_line
    from studio.services.choose_forms import choose_forms

    with progress_line() as progress:
        measured = frame.run(lambda studio: choose_forms(studio, progress))
    if as_json:
        print_json(msgspec.to_builtins(measured))
    else:
        _print_forms(measured)


def _print_forms(measured: MeasuredForms) -> None:
    from studio.prompting.prompt_forms import IN_WORDS
    from studio.reporting.tables import Table

    header = ("form", "right", "kept", "leaks", "tokens", "gain", "by chance", "chosen")
    for title, results in (("Lessons", measured.lessons), ("Context arm", measured.context)):
        rows = []
        for one in results:
            form = IN_WORDS.get(one.form, one.form)
            if one.refused:
                rows.append((form, *["-"] * 6, "refused"))
                continue
            gain = "" if one.gain is None else f"{one.gain:+.1f}"
            chance = "" if one.chance is None else f"{one.chance:.3f}"
            shares = (f"{one.right}/{one.asked}", f"{one.kept}/{one.general}", f"{one.leaks}/{one.near}")
            rows.append((form, *shares, f"{one.tokens:.0f}", gain, chance, "chosen" if one.chosen else ""))
        say(Table(title, header, rows, left=(0, 7)).text() + "\n")
    say(f"{one_line(measured.model_name)} is given lessons in the forms chosen from now on.")


def _chosen(shelf: Shelf, model: ShelfModel) -> str:
    from studio.services.describe_model import unmeasured

    hint = " What it reads best is not known yet: studio models measure" if unmeasured(shelf.workspace, model) else ""
    return (
        f"{model.name} answers from now on; an app that is open, from its next start. Corrections and lessons stay; "
        "adapters belong to the model they were trained for: studio night trains this one on the same corrections."
        f"{hint}"
    )


class _PullLine:
    """How far a pull is, in one line on stderr where that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._next_s = 0.0

    def __call__(self, progress: PullProgress) -> None:
        if self._shown and time.monotonic() >= self._next_s:
            from studio.models.pull_progress import progress_words

            self._next_s = time.monotonic() + _REPAINT_S
            line = one_line(f"{self._what}  {progress_words(progress)}", 110)
            click.echo(f"{_EMPTY_LINE}{line}", nl=False, err=True)

    def clear(self) -> None:
        if self._shown:
            click.echo(_EMPTY_LINE, nl=False, err=True)
