"""The dataset card, README.md in the form of the Hugging Face Hub: what is in it, whence, how made, what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from studio.exchange.formats import Feature

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MOST_LISTED = 50
_ORIGIN = (
    "A person asked questions of a model on their own machine, and wrote down what the answer should have been. "
    "Questions and corrected answers are the person's words, original answers a model's."
)

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Config:
    """One dataset of the folder: its name, its files by split, its columns where they are stated."""

    name: str
    files: tuple[tuple[str, str], ...]
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class CardFacts:
    """All that the card tells. `counts` are corrections by what is counted and its value; `choice` in words."""

    title: str
    license: str
    format_name: str
    format_says: str
    studio_version: str
    corrections: int
    first_day: str
    last_day: str
    choice: Sequence[str]
    configs: Sequence[Config]
    files: Sequence[tuple[str, int]]
    counts: Mapping[str, Counts]
    left_out: Counts = field(default_factory=dict)
    splits: Sequence[str] = ()
    privacy: Sequence[str] = ()
    limits: Sequence[str] = ()


def card(facts: CardFacts) -> str:
    """The whole README.md."""
    days = f" made from {facts.first_day} to {facts.last_day}" if facts.first_day else ""
    sections = [
        f"# {_plain(facts.title)}",
        f"{facts.corrections:,} corrections of a language model's answers{days}, for {facts.format_says}.",
        "## What is in it",
        _table(("file", "rows"), [(f"`{name}`", f"{rows:,}") for name, rows in facts.files]),
        *[_counted(name, counts) for name, counts in facts.counts.items() if counts],
        "## Where it comes from",
        f"{_ORIGIN} Exported by Correction Studio {facts.studio_version}, `studio export {facts.format_name}`.",
        "## How it was made",
        _list(["Chosen: " + ("; ".join(facts.choice) or "all corrections") + ".", *facts.splits, *_left_out(facts)]),
        "## Privacy",
        _list(facts.privacy),
        "## Limits",
        _list(
            [
                "One person's corrections: their view of what is right, unchecked by anybody else.",
                "Only answers that were corrected are in it; how often the model was right cannot be told from it.",
                *facts.limits,
            ]
        ),
        "Checksums: `sha256sum --check SHA256SUMS`. All options and counts: `manifest.json`.",
    ]
    return f"---\n{_front_matter(facts)}---\n\n" + "\n\n".join(sections) + "\n"


def _front_matter(facts: CardFacts) -> str:
    size = next((name for limit, name in _SIZES if facts.corrections < limit), "n>1M")
    entries: dict[str, Any] = {
        "pretty_name": facts.title,
        "license": facts.license,
        "task_categories": ["text-generation"],
        "tags": ["corrections", "human-feedback", facts.format_name],
        "size_categories": [size],
        "annotations_creators": ["other"],
        "configs": [
            {
                "config_name": config.name,
                "data_files": [{"split": split, "path": path} for split, path in config.files],
            }
            for config in facts.configs
        ],
        "dataset_info": [
            {"config_name": config.name, "features": list(config.features)}
            for config in facts.configs
            if config.features
        ],
    }
    # JSON is YAML, so a value of any text stands as it is.
    return "".join(f"{key}: {orjson.dumps(value).decode()}\n" for key, value in entries.items() if value)


def _counted(name: str, counts: Counts) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [(_plain(value), f"{count:,}") for value, count in ordered[:_MOST_LISTED]]
    if more := ordered[_MOST_LISTED:]:
        rows.append((f"{len(more)} others", f"{sum(count for _, count in more):,}"))
    return _table((name, "corrections"), rows)


def _left_out(facts: CardFacts) -> list[str]:
    return [f"Left out of {where}: {count:,}." for where, count in facts.left_out.items()]


def _table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join([f"| {head[0]} | {head[1]} |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows)])


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain(text: str) -> str:
    """Text of the user's as one line of Markdown that is only text."""
    line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in line)
