"""The short form: a few kills, power cuts and full disks of every kind. `make torture` runs the long one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from torture.crowds import crowd
from torture.deeds import BY_NAME, DEEDS, Deed
from torture.forge import Forge
from torture.kills import Prepared, interrupted, killed_after, prepared
from torture.power_cuts import power_cuts
from torture.shim import Mode, build, can_be_built

pytestmark = pytest.mark.skipif(not can_be_built(), reason="needs Linux and a C compiler")

DRAW = random.Random(7)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with Forge(build(tmp_path_factory.mktemp("shim"))) as running:
        yield running


def points(made: Prepared, count: int) -> list[int]:
    return DRAW.sample(range(1, made.changes + 1), count)


@pytest.mark.slow
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_a_kill_at_any_change_of_the_disk_loses_nothing_told(forge: Forge, tmp_path: Path, deed: Deed) -> None:
    made = prepared(forge, deed, tmp_path)
    (at,) = points(made, 1)
    assert interrupted(forge, made, DRAW.choice((Mode.KILL, Mode.TEAR)), at) == []


def test_a_kill_at_a_random_moment_loses_nothing_told(forge: Forge, tmp_path: Path) -> None:
    made = prepared(forge, BY_NAME["distil"], tmp_path)
    for _ in range(2):
        assert killed_after(forge, made, DRAW.uniform(0.0, 0.3)) == []


@pytest.mark.parametrize("name", ["create", "undo", "night and promotion"])
def test_a_power_cut_keeps_what_was_told_and_the_log_opens(forge: Forge, tmp_path: Path, name: str) -> None:
    made = prepared(forge, BY_NAME[name], tmp_path)
    chosen = points(made, 2)
    found = power_cuts(forge, made, DRAW, lambda change: change in chosen)
    assert found.broken == []
    assert found.tried.total() >= 8


@pytest.mark.slow
def test_apps_commands_and_nights_beside_each_other_lose_nothing_and_wait_in_bounds(tmp_path: Path) -> None:
    found = crowd(tmp_path, 1.0, DRAW, kills=1)
    assert found.broken == []
    assert [text for text in found.refused if "is held by" not in text] == []
    assert found.told


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.FAULT], ids=["full disk", "disk error"])
@pytest.mark.parametrize("name", ["save", "night and promotion"])
def test_a_disk_that_refuses_is_told_in_a_sentence_and_goes_on_when_it_can(
    forge: Forge, tmp_path: Path, name: str, mode: Mode
) -> None:
    made = prepared(forge, BY_NAME[name], tmp_path)
    for at in points(made, 1):
        assert interrupted(forge, made, mode, at) == []
