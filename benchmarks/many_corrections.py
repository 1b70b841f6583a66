"""Hundreds of corrections, made by a seed: `python -m benchmarks.many_corrections DIR --corrections 500 --seed 0`.

Writes a scenario of one day for `studio bench DIR`: attributes of invented places, machines, colleagues and suppliers,
many of which share all words but one name. As a benchmark it measures what finding costs and how often it succeeds
among so many: the share of rewordings given their own lesson, and the time of one retrieval beside embedding.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.retrieval import DATA, index_of
from studio.bootstrap import build_studio
from studio.evaluation.scenario_file import load_scenario
from studio.workspace import Workspace

TEMPLATES = Path(__file__).with_suffix(".toml")
GENERAL = DATA / "clinic" / "general.jsonl"
CORRECTIONS = 500
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_FIRST = ("Oluchi", "Petra", "Quim", "Rasmus", "Saoirse", "Tadeo", "Umut", "Veerle", "Wanjiru", "Xiomara", "Yannick")
_LAST = ("Abel", "Brandt", "Castell", "Doyle", "Eriksen", "Falk", "Grieg", "Hollis", "Ibarra", "Jansson", "Kovac")
_FOODS = ("walnuts", "celery", "shrimps", "mustard", "sesame", "lupins", "mussels", "soy", "peanuts", "kiwis", "eggs")
_SYLLABLES = ("bar", "lin", "tor", "mek", "sul", "van", "dor", "pim", "gal", "rus", "fen", "hob")


def write_scenario(folder: Path, *, corrections: int, seed: int, probed: int | None = None) -> Path:
    """Write the scenario into the folder, which is made; always the same for a seed.

    Of all corrections the question itself is asked; other wordings and uses only of the first `probed`, where given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{corrections} corrections, seed {seed}"
    head = {"title": title, "description": "Made by benchmarks.many_corrections; nothing in it is true."}
    lines = [f"{key} = {json.dumps(text)}" for key, text in head.items()]
    (folder / "scenario.toml").write_text("\n".join([*lines, "format_version = 1", ""]), "utf-8")
    rows = list(_corrections(corrections, seed))
    for row in rows[probed:] if probed is not None else ():
        row.update({key: [] for key in ("rephrase", "locality", "portability", "transfer")})
    made = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "corrections.jsonl").write_text("\n".join([*made, ""]), "utf-8")
    shutil.copyfile(GENERAL, folder / "general.jsonl")
    return folder


def _corrections(count: int, seed: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(f"{seed}:many")
    kinds = tomllib.loads(TEMPLATES.read_text("utf-8"))["kind"]
    cells = [
        (f"{kind['name']}-{number}-{place}", attribute, f"{first} {second}")
        for kind in kinds
        for number, attribute in enumerate(kind["attribute"])
        for place, (first, second) in enumerate((a, b) for b in kind["second"] for a in kind["first"])
    ]
    if count > len(cells):
        raise SystemExit(f"The templates make {len(cells)} corrections at most.")
    for name, attribute, it in draw.sample(cells, count):
        value, other = _values(attribute["value"], draw)
        yield _row(name, attribute, {"it": it, "value": value, "other": other})


def _row(name: str, attribute: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    def said(text: str) -> str:
        filled = text.format(**words)
        return filled[:1].upper() + filled[1:]

    asked, *right = attribute["portability"]
    value = words["value"]
    return {
        "id": name,
        "day": 1,
        "kind": "fact",
        "prompt": said(attribute["ask"]),
        "target": said(attribute["answer"]),
        "rationale": "",
        "include": [[value]],
        "exclude": [],
        "pattern": None,
        "max_words": None,
        "rephrase": [said(text) for text in attribute["rephrase"]],
        "locality": [{"prompt": attribute["locality"], "exclude": [value]}],
        "portability": [{"prompt": said(asked), "include": [[text.format(**words) for text in right]]}],
        "transfer": [{"prompt": said(attribute["transfer"]), "include": [[value]]}],
        "supersedes": None,
    }


def _values(kind: str, draw: random.Random) -> tuple[str, str]:
    """A value of the attribute, and another."""
    value = _value(kind, draw)
    while (other := _value(kind, draw)) == value:
        pass
    return value, other


def _value(kind: str, draw: random.Random) -> str:
    name, *numbers = kind.split(":")
    return _MAKERS[name](draw, *(int(number) for number in numbers))


_MAKERS: Mapping[str, Callable[..., str]] = {
    "digits": lambda draw, length: str(draw.randrange(10 ** (length - 1), 10**length)),
    "number": lambda draw, low, high, step: str(draw.randrange(low, high, step)),
    "weekday": lambda draw: draw.choice(_WEEKDAYS),
    "person": lambda draw: f"{draw.choice(_FIRST)} {draw.choice(_LAST)}",
    "food": lambda draw: draw.choice(_FOODS),
    "word": lambda draw: "".join(draw.sample(_SYLLABLES, 3)),
    "shelf": lambda draw: f"{draw.choice('ABCDEFGH')}{draw.randrange(2, 40)}",
    "room": lambda draw: f"{draw.randrange(1, 7)}.{draw.randrange(10, 60)}",
}


def main() -> dict[str, float]:
    """Finding among CORRECTIONS lessons: the share of rewordings given their own, and milliseconds of one retrieval."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, float]:
    scenario = load_scenario(write_scenario(folder / "many", corrections=CORRECTIONS, seed=0))
    studio = build_studio(Workspace(folder / "workspace").ensure())
    wanted = studio.settings.prompt
    try:
        index = await index_of(scenario.in_force(1), studio.embedder)
        probes = [probe.probe for probe in scenario.probes(1) if probe.probe.kind.value == "rephrase"]
        vectors = await studio.embedder.embed([probe.prompt for probe in probes])
    finally:
        await studio.close()
    found, seconds = [], []
    for probe, vector in zip(probes, vectors, strict=True):
        started = time.perf_counter()
        given = index.retrieve(probe.prompt, vector, k=wanted.lessons_given, threshold=wanted.lessons_threshold)
        seconds.append(time.perf_counter() - started)
        found.append(any(probe.correction_id in one.lesson.source_ids for one in given))
    return {
        "many.corrections": float(CORRECTIONS),
        "many.rewordings_given_their_own": statistics.mean(found),
        "many.retrieval_p50_ms": 1000 * statistics.median(seconds),
        "many.retrieval_p95_ms": 1000 * statistics.quantiles(seconds, n=20)[-1],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_corrections", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--corrections", type=int, default=CORRECTIONS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--probed", type=int, metavar="N", help="ask other wordings and uses of the first N only")
    arguments = parser.parse_args()
    print(
        write_scenario(
            arguments.folder, corrections=arguments.corrections, seed=arguments.seed, probed=arguments.probed
        )
    )
