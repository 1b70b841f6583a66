"""A deed killed at a chosen change of the disk, and what is found afterwards."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torture import invariants
from torture.deeds import Deed
from torture.figures import Figure
from torture.forge import Forge, Outcome
from torture.shim import Mode

# Memory, where there is any: what a kill leaves is the same there, and writing costs nothing.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass
class Prepared:
    """A deed's workspace before it is done, to be copied; what was told by then; how many changes it makes."""

    deed: Deed
    template: Path
    told: list[tuple[str, str]] = field(default_factory=list)
    changes: int = 0


def prepared(forge: Forge, deed: Deed, folder: Path) -> Prepared:
    template = folder / deed.name / "before"
    before = forge.prepare(deed.name, template)
    assert not before.crashed + before.said, before
    counted = forge.act(deed.name, _copy(template, folder / deed.name / "counted"))
    assert not counted.crashed + counted.said, counted
    return Prepared(deed, template, before.told, counted.changes)


def interrupted(forge: Forge, made: Prepared, mode: Mode, at: int, *, again: bool = True) -> list[str]:
    """What does not hold after that happened at that change: at once, at the next start, and once it was done again."""

    def act(folder: Path) -> Outcome:
        return forge.act(made.deed.name, folder, mode, at)

    return _after(forge, made, act, mode, f"{mode.name} at {at}", again=again)


def at_changes(forge: Forge, made: Prepared, mode: Mode, what: str, times: int, draw: random.Random) -> Figure:
    """So many of ten changes, each once; all of them again for each ten more."""
    changes = range(1, made.changes + 1)
    some = min(len(changes), max(1, len(changes) * times // 10))
    chosen = [at for _ in range(max(1, times // 10)) for at in draw.sample(changes, some)]
    # To do it once more takes as long again as all the rest: in one case of four.
    broken = [text for at in chosen for text in interrupted(forge, made, mode, at, again=draw.random() < 0.25)]
    return Figure(f"{made.deed.name}: {what}", len(chosen), tuple(broken), f"{made.changes} changes")


def killed_after(forge: Forge, made: Prepared, seconds: float, *, again: bool = True) -> list[str]:
    """The same for a kill from outside, after so long."""

    def act(folder: Path) -> Outcome:
        return forge.act(made.deed.name, folder, killed_after_s=seconds)

    return _after(forge, made, act, Mode.KILL, f"killed after {seconds:.4f} s", again=again)


def _after(
    forge: Forge, made: Prepared, act: Callable[[Path], Outcome], mode: Mode, when: str, *, again: bool
) -> list[str]:
    folder = _copy(made.template, made.template.with_name("after"))
    outcome = act(folder)
    found = [outcome.crashed] if outcome.crashed else []
    if outcome.said and not _tells(outcome.said, mode):
        found.append(f"It said: {outcome.said}")
    told = made.told + outcome.told
    found += invariants.broken(folder, told) or invariants.unsettled(folder)
    if again and not found:
        found += _again(forge, made, folder, told)
    return [f"{made.deed.name}, {when}: {text}" for text in found]


def _tells(said: str, mode: Mode) -> bool:
    """Whether the sentence is one for that case."""
    return mode is Mode.FAULT or (mode is Mode.FULL and ("disk is full" in said or "No space left" in said))


def _again(forge: Forge, made: Prepared, folder: Path, told: list[tuple[str, str]]) -> list[str]:
    outcome = forge.act(made.deed.name, folder)
    if outcome.crashed or outcome.said:
        return [f"It could not be done again: {outcome.said}{outcome.crashed}"]
    return (
        invariants.broken(folder, told + outcome.told) + invariants.unsettled(folder) + invariants.left_behind(folder)
    )


def _copy(template: Path, target: Path) -> Path:
    if target.exists():
        shutil.rmtree(target)
    return Path(shutil.copytree(template, target))
