"""Reads damaged files in a process of its own, which may hang, die, or grow: `main` is that process."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import traceback
from pathlib import Path

from fuzz.tally import ABORTED, BROKE, HUNG, LOADED, REFUSED, Tally

PATIENCE_S = 60.0
"""The loader that trains is imported within it."""


class ReaderProcess:
    """Reads files of every kind, one after the other. Restarted after it hung or died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, file: Path, seed: int, tally: Tally) -> None:
        """Note what becomes of a file of the tally's kind, made of that seed."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{tally.kind} {seed} {file}\n".encode())
        process.stdin.flush()
        if not select.select([process.stdout], [], [], PATIENCE_S)[0]:
            process.kill()
            tally.note(HUNG, f"for {PATIENCE_S:g} seconds [{file.name}]")
            return
        end, _, detail = process.stdout.readline().decode().strip().partition(" ")
        if not end:
            tally.note(ABORTED, f"with {process.wait()} [{file.name}]")
        else:
            tally.note(end, f"{detail} [{file.name}]" if end == BROKE else "")
        tally.note_memory(process.pid)

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fuzz.reader_process", str(self._folder)],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        return self._process


def main() -> None:
    from fuzz.texts import readers
    from studio.errors import StudioError

    read = readers(Path(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        kind, seed, name = line.strip().split(" ", 2)
        try:
            end = LOADED if read[kind](Path(name), int(seed)) else REFUSED
        except StudioError:
            end = REFUSED
        except BaseException as error:  # noqa: BLE001 - this is what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            end = f"{BROKE} {type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:200]!r}"
        print(end, file=answers, flush=True)


if __name__ == "__main__":
    main()
