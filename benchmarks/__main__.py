"""Without a name: the table of what a user waits for, beside what they would otherwise use (a quarter of an hour).

With names: those studies, each of which prints its own figures. `methods` takes more than an hour, `reader` the
adapter named by `--adapter`; `packed_night` is to be run alone, for it tells its process's memory.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.rows import BUDGETS_S
from benchmarks.table import Row, as_json, from_json, render

STUDIES = (
    "ageing",
    "api",
    "architectures",
    "exchange",
    "fit",
    "interface",
    "languages",
    "large_logs",
    "many_corrections",
    "methods",
    "night_and_user",
    "packed_night",
    "reader",
    "retrieval",
    "scaling",
    "served",
    "styles",
    "training",
)
READER = "reader"
_PATIENCE = 5
"""A row that takes so many times its budget is given up."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"studies to run: {', '.join(STUDIES)}")
    parser.add_argument("--only", action="append", metavar="ROW", help=f"of the table: {', '.join(BUDGETS_S)}")
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="for each row, instead of its own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as one JSON object")
    parser.add_argument("--adapter", type=Path, metavar="FILE", help="the adapter that `reader` measures")
    arguments = parser.parse_args()
    rows = arguments.only or ([] if arguments.names else list(BUDGETS_S))
    if unknown := {*arguments.names}.difference(STUDIES) | {*rows}.difference(BUDGETS_S):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if READER in arguments.names and not (arguments.adapter and arguments.adapter.is_file()):
        parser.error(f"{READER} needs --adapter FILE, a GGUF adapter that exists")
    written: dict[str, object] = {}
    failed: list[str] = []
    if arguments.names:
        written |= _studies(arguments.names, arguments.adapter)
    if rows:
        measured, failed = _measured(rows, arguments.budget)
        print(render(measured))
        for failure in failed:
            print(f"Not measured: {failure}", file=sys.stderr)
        written["rows"] = [as_json(row) for row in measured]
        written["machine"] = {"cores": os.cpu_count(), "load": os.getloadavg()[0]}
    if arguments.json:
        arguments.json.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    return 1 if failed else 0


def _studies(names: Sequence[str], adapter: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        figures |= module.main(adapter) if name == READER else module.main()
    width = max(map(len, figures), default=0)
    for figure, value in figures.items():
        print(f"{figure:<{width}}  {value:>12.4g}")
    return figures


def _measured(names: Sequence[str], budget_s: float | None) -> tuple[list[Row], list[str]]:
    """The rows, and what kept others from being measured."""
    if len(names) == 1:
        (name,) = names
        return list(importlib.import_module(f"benchmarks.rows.{name}").rows(budget_s or BUDGETS_S[name])), []
    rows: list[Row] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            seconds, written = budget_s or BUDGETS_S[name], Path(folder) / f"{name}.json"
            # Each in a process of its own: threads and memory that one row leaves behind would slow the next.
            command = [sys.executable, "-m", "benchmarks", "--only", name, "--budget", str(seconds)]
            try:
                subprocess.run(
                    [*command, "--json", str(written)], check=True, capture_output=True, timeout=_PATIENCE * seconds
                )
            except subprocess.TimeoutExpired as error:
                failed.append(f"{name}: it took more than {error.timeout:.0f} s")
                continue
            except subprocess.CalledProcessError as error:
                failed.append(f"{name}: {error.stderr.decode('utf-8', 'replace').strip().splitlines()[-1:]}")
                continue
            rows += [from_json(row) for row in json.loads(written.read_text("utf-8"))["rows"]]
    return rows, failed


if __name__ == "__main__":
    sys.exit(main())
