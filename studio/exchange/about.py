"""What stands beside the rows of an export: its card, its manifest, and what the format's trainer wants."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from studio import __version__
from studio.domain.exports import LOSSLESS_VERSION
from studio.domain.plural import plural
from studio.exchange.card import CardFacts, Config, card
from studio.exchange.companions import axolotl_config, dataset_info
from studio.exchange.near_duplicates import LIKE_VECTORS, SHARED_ANSWER, SHARED_WORDS
from studio.exchange.privacy import Privacy, Redactor
from studio.exchange.request import ExportRequest, ExportResult
from studio.exchange.rows_out import RowsOut
from studio.exchange.writing import write_manifest, write_text

_EASYEDIT = (
    "`rephrase_prompt`, `locality` and `portability` are empty: the log holds no such questions. `ground_truth` is the"
    " model's answer before the correction."
)


def write_about(
    folder: Path, request: ExportRequest, result: ExportResult, rows: RowsOut, summary: dict[str, dict[str, int]]
) -> None:
    """Write all that is not rows; what is told of the user's words is redacted as these are."""
    form = request.form()
    beside = []
    if form.name == "llama-factory":
        beside.append(write_text(folder, "dataset_info.json", dataset_info(rows.kinds)))
    if form.name == "axolotl":
        beside.append(write_text(folder, "axolotl.yaml", axolotl_config(rows.kinds)))
    tell = _Telling(request, rows.redactor)
    counts = {name: tell.counts(of) for name, of in summary.items() if name != "day"}
    days = list(summary["day"])
    facts = CardFacts(
        title=tell.text(request.title),
        license=request.license,
        format_name=form.name,
        format_says=form.says,
        studio_version=__version__,
        corrections=result.corrections,
        first_day=days[0] if days else "",
        last_day=days[-1] if days else "",
        choice=tell.choice(),
        configs=_configs(request, rows),
        files=[(file.name, file.rows or 0) for file in result.files],
        counts=counts,
        left_out=result.left_out,
        splits=[_about_splits(request, rows)],
        privacy=about_privacy(request, result.findings),
        limits=[_EASYEDIT] if form.name == "easyedit" else [],
    )
    beside.append(write_text(folder, "README.md", card(facts)))
    manifest = {
        "format": form.name,
        "format_version": LOSSLESS_VERSION,
        "studio_version": __version__,
        "corrections": result.corrections,
        "selection": tell.selection(),
        "options": asdict(request.options) | {"default_system": tell.text(request.options.default_system)},
        "shares": asdict(request.shares),
        "splits": result.splits,
        "left_out": result.left_out,
        "privacy": {
            "mode": request.privacy or ("decided" if request.decisions else "looked for, nothing found"),
            "names": len(request.names),
            "let_stand": request.let_stand,
            "replaced": result.findings,
        },
        "license": request.license,
        "counts": counts,
    }
    write_manifest(folder, manifest, [*result.files, *beside])


def about_privacy(request: ExportRequest, findings: dict[str, int]) -> list[str]:
    """What was looked for and what was done, a sentence each."""
    if request.privacy is Privacy.OFF:
        return ["Private data was not looked for."]
    names = f"{plural(len(request.names), 'name')} of the user's choosing"
    rules = (
        "Looked for by explicit rules: e-mail addresses, telephone numbers, keys and tokens, file paths, and"
        f" {names}. What rules do not know they do not find."
    )
    kept = [f"Let stand by the user: {request.let_stand}."] if request.let_stand else []
    if not findings:
        return [rules, "Nothing was replaced." if kept else "Nothing was found.", *kept]
    return [rules, f"Replaced, the same by the same: {counted(findings)}.", *kept]


def counted(findings: dict[str, int]) -> str:
    """'3 EMAIL, 1 KEY'."""
    return ", ".join(f"{count:,} {kind}" for kind, count in findings.items())


def _configs(request: ExportRequest, rows: RowsOut) -> list[Config]:
    rationale = ({"name": "rationale", "dtype": "string"},) if request.options.rationale else ()
    features = {part.name: part.features + rationale if part.features else () for part in request.form().parts}
    by_part: dict[str, list[tuple[str, str]]] = {}
    for part, split, name in rows.kinds:
        by_part.setdefault(part, []).append((split, name))
    return [Config(part or "default", tuple(files), features.get(part, ())) for part, files in by_part.items()]


def _about_splits(request: ExportRequest, rows: RowsOut) -> str:
    if rows.splits is None:
        return "Not split."
    sizes = ", ".join(f"{name} {rows.split_sizes[name]:,}" for name in rows.splits.names)
    return (
        f"Split with seed {request.shares.seed} into {sizes} corrections, by {rows.splits.groups:,} groups: a"
        " conversation, and questions nearly the same, are never divided. Nearly the same are questions that share"
        f" {SHARED_WORDS:.0%} of their words, or {SHARED_ANSWER:.0%} of those of the corrected answer; for the"
        f" {rows.splits.with_vectors:,} whose vectors the log has, also those with a cosine of {LIKE_VECTORS} or more."
    )


class _Telling:
    """What is told of the user's words, redacted where the rows are."""

    def __init__(self, request: ExportRequest, redactor: Redactor) -> None:
        self._request = request
        self._redactor = redactor

    def text(self, text: str) -> str:
        if not self._request.replaces:
            return text
        counts = self._redactor.counts.copy()  # those are of the rows
        safe = self._redactor.text(text)
        self._redactor.counts = counts
        return safe

    def counts(self, counts: dict[str, int]) -> dict[str, int]:
        safe: Counter[str] = Counter()
        for value, count in counts.items():
            safe[self.text(value)] += count
        return dict(safe)

    def selection(self) -> dict[str, Any]:
        return {name: self._plain(value) for name, value in asdict(self._request.selection).items()}

    def choice(self) -> list[str]:
        """The selection in words."""
        chosen = self._request.selection
        told = {
            "sessions": chosen.sessions,
            "labels": chosen.labels,
            "arms": chosen.arms,
            "models": chosen.models,
        }
        words = [f"{name} {', '.join(map(self.text, values))}" for name, values in told.items() if values]
        words += [f"since {chosen.since:%Y-%m-%d}"] if chosen.since else []
        words += [f"before {chosen.until:%Y-%m-%d}"] if chosen.until else []
        words += [] if chosen.superseded else ["without the superseded"]
        words += [] if chosen.undone else ["without the undone"]
        options = {
            "system prompt": self._request.options.system,
            "history": self._request.options.history,
            "rationale": self._request.options.rationale,
        }
        if not self._request.form().whole:
            words += [f"{'with' if there else 'without'} {name}" for name, there in options.items()]
        return words

    def _plain(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return [self.text(text) for text in value]
        return value.isoformat() if isinstance(value, datetime) else value
