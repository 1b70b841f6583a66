"""Starting the app, or any light command, loads none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "peft",
    "llama_cpp",
    "tokenizers",
    "matplotlib",
    "gguf",
    "numpy",
    "duckdb",
    "httpx2",
    "pydantic",
)


# A frozen dataclass takes half a millisecond to make: what only the log, nights and services hold waits for the paint.
NOT_FOR_THE_FIRST_PAINT = (
    "studio.domain.log",
    "studio.domain.lessons",
    "studio.domain.nights",
    "studio.domain.imports",
    "studio.domain.exports",
    "studio.services.converse",
    "studio.training.job",
)


@pytest.mark.parametrize(
    "module",
    [
        "studio.tui.app",
        "studio.tui.screens.chat",
        "studio.bootstrap",
        "studio.cli.asking",
        "studio.cli.exporting",
        "studio.cli.lessons",
        "studio.cli.log",
        "studio.cli.models",
        "studio.cli.nights",
        "studio.cli.serving",
    ],
)
def test_heavy_libraries_stay_out(module: str) -> None:
    assert _loaded_with(module, HEAVY) == []


def test_the_first_paint_waits_for_nothing_that_the_log_holds() -> None:
    modules = "studio.bootstrap, studio.tui.app, studio.tui.screens.chat"
    assert _loaded_with(modules, NOT_FOR_THE_FIRST_PAINT) == []


def _loaded_with(modules: str, looked_for: tuple[str, ...]) -> list[str]:
    code = f"import sys, {modules}; print(*[name for name in {looked_for!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
