"""From starting `studio` in a new workspace to its first screen, against importing textual alone, by turns."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from benchmarks.interface import FIRST_PAINT, terminal
from benchmarks.table import Row, rounds

_WANTED = 1.5


def rows(budget_s: float) -> list[Row]:
    app, bare = [], []
    for _ in rounds(budget_s, least=5):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "studio", "--workspace", folder]
            with terminal(command) as opened:
                app.append(opened.wait_for(FIRST_PAINT, 30) - opened.started)
        began = time.perf_counter()
        # In a session of its own, as the app is: the kernel shares processors out by session.
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True, start_new_session=True)
        bare.append(time.perf_counter() - began)
    return [Row("start to first paint", "python -c 'import textual.app'", "s", app, bare, _WANTED)]
