"""A `crontab` that keeps its table in a file, for tests: none of them touches the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPT = """\
#!/bin/sh
case "$1" in
-l) if [ -f "$0.table" ]; then /bin/cat "$0.table"; else echo "no crontab for you" >&2; exit 1; fi ;;
-) /bin/cat > "$0.table" ;;
esac
"""


def put_crontab(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str = SCRIPT) -> Path:
    """Have this one found first; returns the file of its table, which is not there yet."""
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "crontab"
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return programs / "crontab.table"


def no_crontab(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without one."""
    monkeypatch.setenv("PATH", str(folder))
