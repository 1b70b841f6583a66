"""How the studio opens and shows an old log: 200,000 turns, 50,000 corrections and their lessons.

`fill` makes the log, in a few seconds, of rows as the studio writes them. Each screen is then entered in the real app
behind a pseudo terminal, and timed from its key to the bytes of what it first shows of the log.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.interface import FIRST_PAINT, Terminal, fake_studio, terminal
from studio.storage import DuckDbLog
from studio.tui.app import StudioApp
from studio.workspace import Workspace

TURNS = 200_000
CORRECTIONS = 50_000
ANSWERED_TWICE = 10
"""Every so many questions were asked of a second arm too."""
EMBEDDER = "ageing"
SIZE = 384
"""Of a vector, as the bundled embedder makes them."""
LONGEST_S = 60.0

_GIVEN = (
    '{"model_sha256":"' + "0" * 64 + '","model_name":"bench","adapter_id":null,"adapter_version":null,'
    '"adapter_scale":null,"lessons":[{"lesson_id":"lesson-1","title":"the notice period","score":0.7,"rank":1}]}'
)
_ANSWERS = """
    INSERT INTO answer BY NAME
    SELECT $prefix || i AS id, 'turn-' || lpad(i::VARCHAR, 8, '0') AS turn_id, $arm AS arm,
           'The notice period of clause ' || i || ' is **' || (i % 90) || ' days**, counted from the day on which '
           || 'the letter arrives, as the handbook says in section ' || (i % 40) || '.' AS text,
           'stop' AS finish_reason, $given AS given,
           '[{"role":"system","content":"You answer briefly."},{"role":"user","content":"What does clause ' || i
           || ' say of the notice period?"}]' AS messages,
           60 AS prompt_tokens, 40 AS completion_tokens, 0.1 AS first_token_s, 0.9 AS latency_s,
           now() - to_minutes($turns - i) + INTERVAL 1 SECOND AS created_at,
           -0.1 - (i % 100) / 200.0 AS mean_log_probability
    FROM range(0, $turns, $step) t(i)
"""
_ROWS = (
    """
    INSERT INTO conversation BY NAME
    SELECT 'talk-' || lpad(i::VARCHAR, 8, '0') AS id, 'Clause ' || (i * 10) AS title,
           CASE WHEN i % 4 = 0 THEN 'compare' ELSE 'chat' END AS origin,
           now() - to_minutes($turns - i * 10) AS created_at, now() - to_minutes($turns - i * 10) AS updated_at
    FROM range($turns // 10) t(i)
    """,
    """
    INSERT INTO turn BY NAME
    SELECT 'turn-' || lpad(i::VARCHAR, 8, '0') AS id, 'talk-' || lpad((i // 10)::VARCHAR, 8, '0') AS conversation_id,
           (i % 10)::INTEGER AS position, 'What does clause ' || i || ' say of the notice period?' AS prompt,
           now() - to_minutes($turns - i) AS created_at
    FROM range($turns) t(i)
    """,
    # Every twentieth correction takes the place of the one before it; every fiftieth is taken back.
    """
    INSERT INTO correction BY NAME
    SELECT 'correction-' || lpad(i::VARCHAR, 8, '0') AS id,
           'What does clause ' || (i * $each) || ' say of the notice period?' AS prompt,
           (i % 77) || ' days, counted from the day on which it is posted.' AS corrected,
           (i % 90) || ' days, counted from the day on which the letter arrives.' AS original,
           now() - to_minutes($turns - i * $each) + INTERVAL 20 SECOND AS created_at,
           '{"include":[["' || (i % 77) || ' days"]],"exclude":[],"pattern":null,"max_words":null}' AS conditions,
           '[]' AS history, 'turn-' || lpad((i * $each)::VARCHAR, 8, '0') AS turn_id,
           'answer-' || (i * $each) AS answer_id, 'lessons' AS arm, '' AS rationale, '' AS feedback,
           CASE WHEN i % 9 = 0 THEN ['contracts'] ELSE [] END AS labels,
           CASE WHEN i % 20 = 19 THEN 'correction-' || lpad((i - 1)::VARCHAR, 8, '0') END AS supersedes,
           'chat' AS origin
    FROM range($corrections) t(i)
    """,
    """
    INSERT INTO correction_event BY NAME
    SELECT 'correction-' || lpad(i::VARCHAR, 8, '0') AS correction_id, true AS undone, now() AS created_at
    FROM range(7, $corrections, 50) t(i)
    """,
    """
    INSERT INTO lesson BY NAME
    SELECT 'lesson-' || i AS id, 1 AS revision, 'fact' AS kind, c.prompt AS title,
           CASE WHEN s.undone OR s.superseded_by IS NOT NULL THEN 'retired' ELSE 'active' END AS status,
           'Someone asks, in these or other words: ' || c.prompt AS applies_when, c.corrected AS guidance,
           c.prompt AS example_question, c.corrected AS example_answer, [c.id] AS source_ids,
           false AS pinned, i % 30 = 0 AS weak, NULL AS replaced_by,
           CASE WHEN s.undone THEN 'its correction was undone' WHEN s.superseded_by IS NOT NULL
                THEN 'its correction was superseded' ELSE '' END AS retired_reason,
           c.created_at AS created_at, c.created_at AS updated_at, 'like' AS scope
    FROM range($corrections) t(i)
    JOIN correction c ON c.id = 'correction-' || lpad(i::VARCHAR, 8, '0')
    JOIN correction_state s ON s.correction_id = c.id
    """,
    """
    INSERT INTO lesson_embedding
    SELECT l.id, $embedder, k, l.example_question,
           list_transform(range($size), lambda x: ((hash(l.id, k, x) % 2001) / 1000.0 - 1) / 11.3)::FLOAT[]
    FROM lesson l, range(2) t(k)
    """,
    """
    INSERT INTO lesson_use
    SELECT 'lesson-' || (i * 7 % $corrections), 'answer-' || i, 0.7, 1 FROM range($turns) t(i)
    """,
    """
    INSERT INTO feedback BY NAME
    SELECT 'answer-' || i AS answer_id, 'accepted' AS feedback, now() AS created_at, false AS blind
    FROM range(1, $turns, 2) t(i)
    """,
    """
    INSERT INTO probe BY NAME
    SELECT 'probe-' || i AS id, 'asked' AS kind, c.prompt AS prompt, c.conditions AS conditions, c.id AS correction_id
    FROM range($corrections) t(i) JOIN correction c ON c.id = 'correction-' || lpad(i::VARCHAR, 8, '0')
    """,
    """
    INSERT INTO probe_result BY NAME
    SELECT 'probe-' || i AS probe_id, 'lessons' AS arm, (i % 77) || ' days.' AS text, i % 8 > 0 AS ok,
           (i % 8 > 0)::INTEGER::DOUBLE AS score, 'idle' AS occasion,
           now() - to_minutes($turns - i * $each) + INTERVAL 40 SECOND AS created_at,
           NULL AS adapter_id, 'correction-' || lpad(i::VARCHAR, 8, '0') AS correction_id,
           60 AS prompt_tokens, 0.1 AS first_token_s, 0.2 AS latency_s
    FROM range($corrections) t(i)
    """,
)

# Screen, key, and words of it that are drawn only once it has read the log.
FIRST_VIEWS = (
    ("sessions", "\x0f", b"Clause 199"),
    ("lessons", "\x1bOS", b"clause 199"),
    ("nights", "\x1b[15~", b"No night"),
    ("curves", "\x1b[17~", b"Reading the log"),
    ("curves, all of it", "\x1b[17~", b"Corrected questions right"),
    ("export", "\x1b[19~", b"Format"),
    ("export, preview", "\x1b[19~", b"clause"),
    ("review", "\x1b[20~", b"Reading answers"),
    ("review, first answer", "\x1b[20~", b"clause"),
    ("settings", "\x1b[21~", b"context_tokens"),
    ("models", "\x1b[24~", b"none"),
    ("compare", "\x1bOR", b"sk all arms"),  # the cursor stands on its first letter
)


def fill(workspace: Workspace, turns: int = TURNS, corrections: int = CORRECTIONS) -> None:
    """A log of so many turns, every one answered, and so many corrections, each with its lesson and a probe."""
    DuckDbLog.of(workspace).open()
    values = {
        "turns": turns,
        "corrections": corrections,
        "each": turns // corrections,
        "embedder": EMBEDDER,
        "size": SIZE,
    }
    with duckdb.connect(workspace.log_file) as connection:

        def run(sql: str, **more: object) -> None:
            known = values | more
            connection.execute(sql, {name: value for name, value in known.items() if f"${name}" in sql})

        for sql in _ROWS:
            run(sql)
        run(_ANSWERS, prefix="answer-", arm="lessons", given=_GIVEN, step=1)
        run(_ANSWERS, prefix="frozen-", arm="frozen", given=_GIVEN, step=ANSWERED_TWICE)


def main() -> dict[str, float]:
    """Milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Workspace(Path(folder)).ensure())
        return opened(Path(folder)) | first_views(folder)


def opened(folder: Path) -> dict[str, float]:
    """The log opened as the app opens it, and its first question read."""
    workspace = Workspace(folder)
    began = time.perf_counter()
    log = DuckDbLog.of(workspace)
    log.open()
    taken = time.perf_counter() - began
    return {"ageing.open_ms": 1000 * taken, "ageing.log_mb": workspace.log_file.stat().st_size / 1e6}


def first_views(folder: str) -> dict[str, float]:
    """Each screen in an app of its own, some seconds after it started; infinite where it takes more than a minute."""
    figures: dict[str, float] = {}
    paints: list[float] = []
    for name, key, words in FIRST_VIEWS:
        with _app(folder, paints) as app:
            pressed = app.type(key)
            try:
                figures[f"ageing.{name}_ms"] = 1000 * (app.wait_for(words, LONGEST_S) - pressed)
            except TimeoutError:
                figures[f"ageing.{name}_ms"] = math.inf
    return {"ageing.first_paint_ms": 1000 * statistics.median(paints)} | figures


@contextmanager
def _app(folder: str, paints: list[float]) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "benchmarks.ageing", folder]
    with terminal(command, STUDIO_UI__REDUCED_MOTION="yes") as app:
        paints.append(app.wait_for(FIRST_PAINT, LONGEST_S) - app.started)
        app.drain(6.0)
        yield app


class _Embedder:
    """Never asked; has the name under which the vectors are kept."""

    name = EMBEDDER

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None


def child(folder: Path) -> None:
    """The process under measurement: the app as it is, with an engine and an embedder that are never asked."""
    studio = fake_studio(folder)
    embedder: Any = _Embedder()
    studio.embedder = embedder
    StudioApp(studio).run()


if __name__ == "__main__":
    child(Path(sys.argv[1]))
