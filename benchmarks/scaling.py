"""How what a user waits for grows: with lessons, with corrections in the log, with a chat's length, with arms.

`python -m benchmarks scaling --json docs/scaling.json` writes what `python docs/scaling_svg.py` draws. Names are
`scaling.PANEL.SIDE.SIZE`; milliseconds, medians of interleaved runs where there are several. The sides of a panel do
the same work: `ours`, and `other`, what one would otherwise use.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.llama import OPTIONS, SYSTEM, bundled_model, chat, complete, engine
from benchmarks.rows.retrieval_speed import WIDTH, filled
from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, Lane, Role, Sampling
from studio.domain.identity import new_id, utc_now
from studio.domain.log import Correction
from studio.storage import DuckDbLog

LESSONS = (10, 100, 1_000, 10_000, 100_000)
CORRECTIONS = (10, 100, 1_000, 10_000, 100_000)
TURNS = (1, 5, 10, 20)
ARMS = (1, 2, 3, 5, 8)
ANSWER_TOKENS = 24
_REPEATS = 9
_Figures = Iterator[tuple[str, float]]


def main() -> dict[str, float]:
    figures = dict([*_lessons(), *_corrections(), *asyncio.run(_answering())])
    return {f"scaling.{name}": value for name, value in figures.items()}


def _lessons() -> _Figures:
    """Finding the lesson of a question whose vector is known."""
    index, vectors = filled(0)
    for size in LESSONS:
        index, vectors = filled(size)
        asked = vectors[size // 2]
        question = asked.tolist()
        yield from _by_turns(
            f"lessons.{{}}.{size}",
            ours=lambda: index.fitting("Where is it kept?", question, k=1, threshold=0.42, rules=2),  # noqa: B023
            other=lambda: int((vectors @ asked).argmax()),  # noqa: B023
        )
    assert vectors.shape[1] == WIDTH


def _corrections() -> _Figures:
    """Saving a correction, the earlier one of its question looked for; against an insert, the file opened for it."""
    for size in CORRECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "studio.duckdb"
            log = DuckDbLog(file, Path(folder) / "backups")
            log.open()
            _fill(file, size)

            yield from _by_turns(f"corrections.{{}}.{size}", ours=partial(_save, log), other=partial(_insert, file))


def _save(log: DuckDbLog) -> None:
    log.corrections.in_force_of(["When does the tram leave?"])
    made = Correction(new_id(), "When does it leave?", "At ten.", "", utc_now(), Check(include=(("ten",),)))
    log.corrections.add(made)


def _fill(file: Path, corrections: int) -> None:
    with duckdb.connect(file) as connection:
        connection.execute(
            "INSERT INTO correction SELECT 'c' || i, 'When does tram ' || i || ' leave?', 'At ten.', 'At nine.', now(),"
            ' \'{"include":[["ten"]],"exclude":[],"pattern":null,"max_words":null}\', \'[]\', NULL, NULL, NULL,'
            " '', '', [], NULL, 'chat' FROM range(?) t(i)",
            [corrections],
        )
        connection.execute("CREATE TABLE bare AS FROM correction")


def _insert(file: Path) -> None:
    with duckdb.connect(file) as connection:
        connection.execute("SELECT id FROM bare WHERE lower(prompt) = 'when does the tram leave?'").fetchall()
        connection.execute("INSERT INTO bare SELECT * REPLACE (uuid()::VARCHAR AS id) FROM bare LIMIT 1")


async def _answering() -> list[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as asked:
            figures: list[tuple[str, float]] = []
            for turns in TURNS:
                said = [ChatMessage(Role.SYSTEM, SYSTEM)]
                for number in range(turns - 1):
                    said.append(ChatMessage(Role.USER, f"{number}: Who keeps the sextant, and in which room is it?"))
                    said.append(ChatMessage(Role.ASSISTANT, "It is kept in room twelve, with the spectrograph."))
                before = Lane("a", (*said, ChatMessage(Role.USER, "Thank you.")), sampling=Sampling(max_tokens=1))
                lane = Lane("a", (*said, ChatMessage(Role.USER, "Who told you?")), sampling=Sampling(max_tokens=1))
                await asked.load(bundled_model(), OPTIONS)
                afresh = (await complete(asked, [lane]))["a"].first_token_s
                await asked.load(bundled_model(), OPTIONS)
                await complete(asked, [before])
                kept = (await complete(asked, [lane]))["a"].first_token_s
                figures += [(f"turns.ours.{turns}", 1000 * kept), (f"turns.other.{turns}", 1000 * afresh)]
            for arms in ARMS:
                lanes = [
                    Lane(
                        str(n),
                        chat(f"Tell a long story about bridge {n}."),
                        sampling=Sampling(max_tokens=ANSWER_TOKENS),
                    )
                    for n in range(arms)
                ]
                began = time.perf_counter()
                await complete(asked, lanes)
                figures.append((f"arms.ours.{arms}", 1000 * (time.perf_counter() - began)))
                began = time.perf_counter()
                for lane in lanes:
                    await complete(asked, [lane])
                figures.append((f"arms.other.{arms}", 1000 * (time.perf_counter() - began)))
            return figures


def _by_turns(name: str, *, ours: Callable[[], object], other: Callable[[], object]) -> _Figures:
    taken: dict[str, list[float]] = {"ours": [], "other": []}
    for _ in range(_REPEATS):
        for side, operation in (("ours", ours), ("other", other)):
            began = time.perf_counter()
            operation()
            taken[side].append(1000 * (time.perf_counter() - began))
    for side, values in taken.items():
        yield name.format(side), statistics.median(values)
