"""What exporting a large log costs: rows a second, against DuckDB's own COPY of the same rows, and the memory it takes.

Each export runs in a process of its own, whose peak memory is its own. The log holds corrections only, each of a
question and two answers of some thirty words. `copy` figures are bare DuckDB on the same rows and
their state, ordered alike; `time_over_copy` is the time of the export over theirs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from studio.domain.exports import Selection
from studio.exchange.privacy import Privacy
from studio.exchange.request import ExportRequest
from studio.exchange.splits import Shares
from studio.services.export_corrections import export_corrections
from studio.storage import DuckDbLog

CORRECTIONS = 300_000
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


def main() -> dict[str, float]:
    """All figures by name."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "sessions" / "studio.duckdb"
        DuckDbLog(file, folder / "backups").open()
        fill(file, CORRECTIONS)
        copies = {kind: copied(file, folder / f"copy.{kind}", kind) for kind in ("json", "parquet")}
        for kind, seconds in copies.items():
            figures[f"exchange.copy_{kind}.rows_per_s"] = CORRECTIONS / seconds
        for title in REQUESTS:
            seconds, peak_mb = exported(folder, title)
            figures[f"exchange.{title}.rows_per_s"] = CORRECTIONS / seconds
            figures[f"exchange.{title}.peak_rss_mb"] = peak_mb
            kind = "parquet" if title.startswith("parquet") else "json"
            figures[f"exchange.{title}.time_over_copy_{kind}"] = seconds / copies[kind]
    return figures


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


def copied(file: Path, target: Path, kind: str) -> float:
    """Seconds."""
    with duckdb.connect(file, read_only=True) as connection:
        start = time.perf_counter()
        connection.execute(f"COPY ({_ROWS}) TO '{target}' (FORMAT {kind})")
        return time.perf_counter() - start


def exported(folder: Path, title: str) -> tuple[float, float]:
    """Seconds and peak MB, start-up of the process left out of the seconds."""
    code = "import sys; from benchmarks.exchange import in_child; in_child(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(folder), title]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(told["seconds"]), float(told["peak_mb"])


def in_child(folder: str, title: str) -> None:
    log = DuckDbLog(Path(folder) / "sessions" / "studio.duckdb", Path(folder) / "backups")
    start = time.perf_counter()
    export_corrections(log, Path(folder) / f"out-{title}", REQUESTS[title])
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()  # what getrusage tells begins with the parent's
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps({"seconds": seconds, "peak_mb": peak_kb / 1e3}))
