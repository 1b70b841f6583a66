"""Processes that reach nothing beyond loopback, children included, and what they tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("no_network.c")


class NoNetwork:
    """`environment` holds whatever is started with it to this. Skips the test where that cannot be had."""

    def __init__(self, folder: Path) -> None:
        if sys.platform != "linux" or shutil.which("cc") is None:
            pytest.skip("sockets are denied by a library that is compiled here, for Linux")
        library = folder / "no_network.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self._log = folder / "no_network.log"
        self.environment = os.environ | {"LD_PRELOAD": str(library), "NO_NETWORK_LOG": str(self._log)}

    @property
    def tried(self) -> list[str]:
        """The addresses and names that were tried."""
        return self._lines("tried ")

    @property
    def commands(self) -> list[str]:
        """Of the processes that were held to it."""
        return self._lines("process ")

    def _lines(self, what: str) -> list[str]:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return [line.removeprefix(what) for line in lines if line.startswith(what)]
