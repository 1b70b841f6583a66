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
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
