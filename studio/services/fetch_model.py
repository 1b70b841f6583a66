"""Pulling a model by name, by repository or by address; and seeing what a repository offers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from studio.errors import MachineError, ModelError, PullError, UsageError
from studio.inference.model_header import checked_header
from studio.models.catalogue import read_catalogue
from studio.models.hub import HubSpec, Repository, look_up, parse_spec
from studio.models.part_file import discard_part
from studio.models.pull import Order, Watch, patiently, pull
from studio.models.records import Record, plain_name
from studio.models.web import Web, WebRules, rules_of
from studio.services.model_shelf import Shelf, part_of
from studio.settings import PullSettings, load_settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is pulled, under which name it is kept, and under which licence it is given, as far as that is told."""

    name: str
    order: Order
    licence: str = ""


def web_rules(settings: PullSettings) -> WebRules:
    """As the settings and the environment (HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE) have it."""
    return rules_of(os.environ, loopback_http=settings.loopback_http)


async def offered(shelf: Shelf, wanted: str) -> Repository:
    """What the repository of `org/repo` offers. Raises UsageError, PullError."""
    spec = parse_spec(wanted)
    if spec is None:
        raise UsageError(f"'{wanted}' is no repository.", "Write it as org/repo.")
    rules = _online(web_rules(load_settings(shelf.workspace.settings_file).pull))

    async def ask() -> Repository:
        async with Web(rules) as web:
            return await patiently(web, lambda: look_up(web, spec.repository), lambda _: None)

    return await in_own_loop(ask)


async def fetch_model(
    shelf: Shelf, wanted: str, *, watch: Watch, sha256: str = "", named: Callable[[str], None] = lambda _: None
) -> Record:
    """Pull what is wanted: a name of the catalogue, `org/repo[:quant]`, or an https address.

    All of it, and so `watch`, and `named` with the name it will have, runs in a thread of its own: whoever draws
    meanwhile is not held up. Cancelled, it stops at once and keeps what is there. Raises PullError, UsageError,
    MachineError, ModelError.
    """
    settings = load_settings(shelf.workspace.settings_file).pull
    rules = _online(web_rules(settings))

    async def work() -> Record:
        async with Web(rules) as web:
            plan = await plan_for(shelf, web, wanted, sha256)
            target = target_of(shelf, plan.name)
            refuse_known(shelf, plan, target)
            named(plan.name)
            with _named(plan.name):
                digest = await pull(
                    web, plan.order, target, accept=_accept, connections=settings.connections, watch=watch
                )
        record = Record(
            name=plan.name,
            how="pulled",
            file=target.name,
            source=plan.order.source,
            sha256=digest,
            licence=plan.licence,
        )
        shelf.records.write(record)
        return record

    return await in_own_loop(work)


async def plan_for(shelf: Shelf, web: Web, wanted: str, sha256: str = "") -> Plan:
    """What a wish means; asks the hub where it names a repository."""
    wanted = wanted.strip()
    entries = read_catalogue(shelf.catalogues)
    if (entry := entries.get(wanted.casefold())) is not None:
        address = f"{web.rules.hub}/{entry.repository}/resolve/main/{entry.file}"
        source = f"{entry.repository}/{entry.file}"
        return Plan(wanted.casefold(), Order(address, source, entry.bytes, entry.sha256), entry.licence)
    if (spec := parse_spec(wanted)) is not None:
        return await _plan_of_repository(shelf, web, spec)
    if "://" not in wanted:
        raise UsageError(
            f"'{wanted[:80]}' is not in the catalogue, nor is it org/repo[:quant] or an https address.",
            "See: studio models list",
        )
    parts = urlsplit(wanted)
    file = unquote(parts.path).rpartition("/")[2]
    if not file.lower().endswith(".gguf"):
        raise UsageError("The address does not lead to a .gguf file.", "Models here are .gguf files.")
    # What follows the question mark may be a key: it is used, but not written down.
    source = f"{parts.scheme}://{parts.hostname}{parts.path}"
    return Plan(_free_name(shelf, file, source, parts.hostname or ""), Order(wanted, source, 0, sha256))


async def _plan_of_repository(shelf: Shelf, web: Web, spec: HubSpec) -> Plan:
    repository = await patiently(web, lambda: look_up(web, spec.repository), lambda _: None)
    file = repository.choose(spec.quant)
    order = repository.order(file, web.rules.hub)
    owner = spec.repository.partition("/")[0]
    return Plan(_free_name(shelf, file.path, order.source, owner), order, repository.licence)


def _free_name(shelf: Shelf, file: str, source: str, owner: str) -> str:
    """The file's name, with its owner's before it where another model has that name."""
    name = plain_name(file.rpartition("/")[2][: -len(".gguf")])
    taken = {record.name: record.source for record in shelf.records.all()}
    taken |= dict.fromkeys(read_catalogue(shelf.catalogues), "")
    return name if taken.get(name, source) == source else plain_name(f"{owner}-{name}")


def target_of(shelf: Shelf, name: str) -> Path:
    """Where a model of this name is put. Raises MachineError where that would lie outside the models' folder."""
    folder = shelf.workspace.pulled
    target = folder / f"{name}.gguf"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        outside = folder.resolve() != shelf.workspace.local_models.resolve() / folder.name
    except OSError as error:
        raise MachineError(f"{folder} cannot be made ({error.strerror}).", "Mend its permissions.") from error
    if outside or target.parent != folder or target.is_symlink():
        raise MachineError(f"{target} leads out of {folder}.", "Take the link away; pulled models lie there alone.")
    return target


def refuse_known(shelf: Shelf, plan: Plan, target: Path) -> None:
    """Raises UsageError where it is here already, or something else of that name is."""
    if not target.exists():
        return
    known = {record.name: record for record in shelf.records.all()}.get(plan.name)
    if known is not None and known.source == plan.order.source:
        raise UsageError(f"{plan.name} is here already.", f"Answer with it: studio models use {plan.name}")
    raise UsageError(f"There is another file {target}.", "Move it away, or remove that model first.")


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """What went wrong is told of the model by its name: several may be on their way."""
    try:
        yield
    except PullError as error:
        raise PullError(f"{name} could not be pulled. {error.message}", error.hint) from error


def discard_pull(shelf: Shelf, name: str) -> None:
    """Delete what an unfinished pull has brought."""
    part = part_of(shelf, name)
    if plain_name(name) == name and not shelf.workspace.pulled.is_symlink():
        discard_part(part)


def _accept(part: Path) -> None:
    try:
        checked_header(part)
    except ModelError as error:
        raise ModelError(error.message.replace(part.name, "The file"), error.hint) from error


def _online(rules: WebRules) -> WebRules:
    if rules.offline:
        raise PullError("HF_HUB_OFFLINE is set: nothing is fetched.", "Unset it to pull models.")
    return rules


async def in_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a thread with an event loop of its own; cancelled, it is cancelled there, and waited for."""
    inner: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []
    given_up = False

    async def within() -> T:
        task = asyncio.current_task()
        assert task is not None
        inner.append((asyncio.get_running_loop(), task))
        if given_up:
            raise asyncio.CancelledError
        return await work()

    thread = asyncio.ensure_future(asyncio.to_thread(lambda: asyncio.run(within())))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        given_up = True
        for loop, task in inner:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait([thread])
        if not thread.cancelled():
            thread.exception()  # heard, if only here
        raise
