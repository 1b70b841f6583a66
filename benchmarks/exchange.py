"""What exporting a large log costs: rows a second, against DuckDB's own COPY of the same rows, and the memory it takes.

Everything runs in a process of its own, whose processor time and peak memory are its own. The logs hold corrections
only, each of a question and two answers of some thirty words. `copy` is bare DuckDB on the same rows and their state,
ordered alike. Export and COPY take turns and the best of ROUNDS counts: other work on the machine makes either slower,
and never faster. `rows_per_s` is by the clock, `rows_per_cpu_s` by processor time, `time_over_copy` and `cpu_over_copy`
the ratios. Of a million corrections what matters is the memory (`million`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import duckdb

from studio.domain.exports import Selection
from studio.exchange.privacy import Privacy
from studio.exchange.request import ExportRequest
from studio.exchange.splits import Shares
from studio.services.export_corrections import export_corrections
from studio.storage import DuckDbLog

CORRECTIONS = 300_000
MANY = 1_000_000
ROUNDS = 3
_ROWS = (
    "SELECT c.*, s.undone, s.superseded_by FROM correction c JOIN correction_state s ON s.correction_id = c.id"
    " ORDER BY c.created_at, c.id"
)

REQUESTS = {
    "jsonl": ExportRequest("jsonl", privacy=Privacy.OFF),
    "jsonl_privacy_looked_for": ExportRequest("jsonl"),
    "parquet": ExportRequest("parquet", privacy=Privacy.OFF),
    "parquet_privacy_looked_for": ExportRequest("parquet"),
    "trl-dpo": ExportRequest("trl-dpo", Selection(superseded=False, undone=False), privacy=Privacy.OFF),
    "trl-kto_split": ExportRequest("trl-kto", privacy=Privacy.OFF, shares=Shares(test=0.1)),
}
AGAINST_COPY = ("jsonl", "parquet")
OF_MANY = ("jsonl", "parquet", "trl-dpo")


class Cost(NamedTuple):
    """By the clock, of processor time, and at most in memory; without the start of the process."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def main() -> dict[str, float]:
    """All figures by name."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = _filled(Path(name) / "log", CORRECTIONS)
        for title in REQUESTS:
            rounds = ROUNDS if title in AGAINST_COPY else 1
            copies, exports = [], []
            for _ in range(rounds):
                if title in AGAINST_COPY:
                    copies.append(measured(folder, f"copy.{title}"))
                exports.append(measured(folder, title))
            figures |= _told(f"exchange.{title}", CORRECTIONS, exports)
            if copies:
                figures |= _told(f"exchange.copy_{title}", CORRECTIONS, copies)
                for at, ratio in enumerate(("time_over_copy", "cpu_over_copy")):
                    figures[f"exchange.{title}.{ratio}"] = _best(exports, at) / _best(copies, at)
        folder = _filled(Path(name) / "many", MANY)
        for title in OF_MANY:
            figures |= _told(f"exchange.million.{title}", MANY, [measured(folder, title)])
    return figures


def _filled(folder: Path, corrections: int) -> Path:
    file = folder / "sessions" / "studio.duckdb"
    DuckDbLog(file, folder / "backups").open()
    fill(file, corrections)
    return folder


def _told(name: str, rows: int, costs: list[Cost]) -> dict[str, float]:
    return {
        f"{name}.rows_per_s": rows / _best(costs, 0),
        f"{name}.rows_per_cpu_s": rows / _best(costs, 1),
        f"{name}.peak_rss_mb": max(cost.peak_mb for cost in costs),
    }


def _best(costs: list[Cost], at: int) -> float:
    return min(cost[at] for cost in costs)


def fill(file: Path, corrections: int) -> None:
    check = '{"include":[["45"]],"exclude":["thirty"],"pattern":null,"max_words":null}'
    with duckdb.connect(file) as connection:
        connection.execute(
            "INSERT INTO correction SELECT '0195b1d2-7a3e-7c5f-8a8a-' || lpad(i::VARCHAR, 12, '0'),"
            " 'Where does ' || hash(i) || ' keep the ' || hash(-i) || ' of the shop today?',"
            " repeat(hash(i) % 100000 || ' keeps it in ' || hash(-i) % 100000 || ' at home. ', 5),"
            " repeat('Nobody knows where that is kept. ', 5),"
            " TIMESTAMPTZ '2026-03-01 12:00:00Z' + to_seconds(i::BIGINT), ?, '[]', NULL, NULL, 'frozen',"
            " 'It was changed in spring.', '', ['fact'], NULL, 'chat' FROM range(?) t(i)",
            [check, corrections],
        )


def measured(folder: Path, title: str) -> Cost:
    """An export, or for `copy.` and its name the COPY that is like it."""
    code = "import sys; from benchmarks.exchange import in_child; in_child(*sys.argv[1:])"
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-c", code, str(folder), title, out]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Cost(*json.loads(told.splitlines()[-1]))  # DuckDB may have painted a progress bar before it


def in_child(folder: str, title: str, out: str) -> None:
    file = Path(folder) / "sessions" / "studio.duckdb"
    start, start_cpu = time.perf_counter(), time.process_time()
    if title.startswith("copy."):
        kind = "parquet" if title == "copy.parquet" else "json"
        with duckdb.connect(file, read_only=True) as connection:
            connection.execute(f"COPY ({_ROWS}) TO '{out}/rows' (FORMAT {kind})")
    else:
        export_corrections(DuckDbLog(file, Path(folder) / "backups"), Path(out) / "rows", REQUESTS[title])
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    status = Path("/proc/self/status").read_text()  # what getrusage tells begins with the parent's
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps([seconds, cpu_seconds, peak_kb / 1e3]))
