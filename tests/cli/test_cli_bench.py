"""`studio bench` refuses what could only fail after hours, before it begins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from studio.cli.root import run

STARTER = Path(__file__).parents[2] / "sessions" / "starter"


def bench(workspace: Path, *arguments: str) -> int:
    return run(["--workspace", str(workspace), "bench", str(STARTER), *arguments])


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody may write")
def test_results_that_could_not_be_written_are_refused_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(tmp_path, "--json", "/proc/bench.json") != 0
    told = capsys.readouterr().err
    assert "/proc/bench.json cannot be written" in told
    assert "Reset" not in told


def test_an_arm_with_an_adapter_of_the_users_own_nights_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "studio.toml").write_text('[arms.yesterday]\nadapter = "3"\n')
    assert bench(tmp_path, "--arms", "frozen,yesterday") != 0
    assert "answers with your adapter v3, and a scenario trains its own" in capsys.readouterr().err
