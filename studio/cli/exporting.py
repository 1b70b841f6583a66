"""`studio export`: the log, or the corrections chosen of it, as a dataset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, json_option, pass_frame, print_json
from studio.cli.progress_line import progress_line
from studio.cli.say import say
from studio.domain.plural import plural
from studio.domain.sizes import size_text
from studio.errors import MachineError, UsageError
from studio.small_files import parse_json

if TYPE_CHECKING:
    from studio.exchange.privacy import Finding
    from studio.exchange.request import ExportRequest, ExportResult

FORMATS = (
    "trl-sft", "trl-dpo", "trl-kto", "openai-sft", "openai-dpo", "alpaca", "sharegpt", "llama-factory", "axolotl",
    "easyedit", "parquet", "jsonl",
)  # fmt: skip
_DECISIONS = 'It should hold {"what was found": "what to put there"}, as --privacy report --json writes it.'
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("format_name", metavar="FORMAT", type=click.Choice(FORMATS))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="A new folder.")
@click.option("--session", "sessions", multiple=True, help="Only of this conversation: its id or title.")
@click.option("--since", type=_DAY, help="Only from this day on (UTC).")
@click.option("--until", type=_DAY, help="Only up to and with this day (UTC).")
@click.option("--label", "labels", multiple=True, help="Only with this label.")
@click.option("--arm", "arms", multiple=True, help="Only of answers of this arm.")
@click.option("--model", "models", multiple=True, help="Only of answers of this model: its name or SHA-256.")
@click.option("--superseded/--no-superseded", default=None, help="With those replaced since; jsonl and parquet: yes.")
@click.option("--undone/--no-undone", default=None, help="With those taken back; jsonl and parquet: yes.")
@click.option("--rationale/--no-rationale", default=False, help="With why each was corrected, in a column of its own.")
@click.option("--system/--no-system", default=True, help="With the system prompt.  [default: yes]")
@click.option("--history/--no-history", default=True, help="With the messages before the question.  [default: yes]")
@click.option("--test", type=float, default=0.0, help="Share held back for a test split, as 0.1.")
@click.option("--validation", type=float, default=0.0, help="Share held back for a validation split.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw of the splits.")
@click.option(
    "--privacy",
    type=click.Choice(["report", "replace", "off"]),
    help="E-mails, telephone numbers, keys, paths, names: list them and write nothing; put placeholders; do not look."
    " Unless said, nothing is written where any is found.",
)
@click.option("--name", "names", multiple=True, help="A name to look for too.")
@click.option("--keep", multiple=True, help="A finding to let stand, as it is written.")
@click.option(
    "--decisions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file that says what to put in the place of each finding, the finding itself to let it stand;"
    " --privacy report --json writes one to begin with.",
)
@click.option("--license", "license_id", default="other", show_default=True, help="For the card, as cc-by-4.0.")
@click.option("--title", default="Corrections", show_default=True, help="For the card.")
@json_option
@pass_frame
def export(frame: Frame, /, out: Path | None, as_json: bool, **given: Any) -> None:
    """Export as a dataset in FORMAT, with a card, checksums and a manifest: all of it or nothing.

    jsonl is lossless, and with parquet the whole log; the others are for training.
    """
    from studio.exchange.about import counted
    from studio.services.export_corrections import export_corrections, report_findings
    from studio.storage import DuckDbLog

    request = _request(frame, given)
    workspace = frame.workspace.ensure()
    log = DuckDbLog.of(workspace)
    if request.privacy == "report":
        found = _Found(as_json)
        counts = report_findings(log, request, found, workspace.scratch)
        if as_json:
            print_json({"counts": counts, "decisions": found.suggested, "findings": found.listed})
        else:
            say(f"Found: {counted(counts)}." if counts else "Nothing private was found.")
            say("Nothing was written.", err=True)
        return
    if out is None:
        raise UsageError("The export needs a folder.", "Name a new one with --out DIR.")
    with progress_line() as progress:
        result = export_corrections(log, out, request, progress=progress)
    _tell(result, out, as_json)


def _request(frame: Frame, given: dict[str, Any]) -> ExportRequest:
    from studio.domain.exports import Selection
    from studio.exchange.examples import ExampleOptions
    from studio.exchange.privacy import Privacy
    from studio.exchange.request import ExportRequest
    from studio.exchange.splits import Shares
    from studio.settings import load_settings

    whole = given["format_name"] in ("jsonl", "parquet")
    since, until = _midnight(given["since"]), _midnight(given["until"])
    if since and until and since > until:
        raise UsageError("--since is after --until.", "Exchange the two.")
    return ExportRequest(
        format_name=given["format_name"],
        selection=Selection(
            sessions=given["sessions"],
            since=since,
            until=until + timedelta(days=1) if until else None,
            labels=given["labels"],
            arms=given["arms"],
            models=given["models"],
            superseded=whole if given["superseded"] is None else given["superseded"],
            undone=whole if given["undone"] is None else given["undone"],
        ),
        options=ExampleOptions(
            system=given["system"],
            history=given["history"],
            rationale=given["rationale"],
            default_system=load_settings(frame.workspace.settings_file).prompt.system,
        ),
        shares=Shares(given["test"], given["validation"], given["seed"]),
        privacy=Privacy(given["privacy"]) if given["privacy"] else None,
        names=given["names"],
        keep=given["keep"],
        decisions=_decisions(given["decisions"]),
        license=given["license_id"],
        title=given["title"],
    )


def _decisions(file: Path | None) -> dict[str, str]:
    """From the report, or from an object of nothing but decisions. Raises UsageError, MachineError."""
    if file is None:
        return {}
    try:
        told = parse_json(file.read_text("utf-8"))
    except OSError as error:
        raise MachineError(f"{file} cannot be read ({error.strerror}).", "Check its name.") from error
    except ValueError as error:
        raise UsageError(f"{file} is no JSON.", _DECISIONS) from error
    decisions = told.get("decisions", told) if isinstance(told, dict) else None
    if not isinstance(decisions, dict) or not all(isinstance(put, str) for put in decisions.values()):
        raise UsageError(f"{file} holds no decisions.", _DECISIONS)
    return decisions


def _midnight(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None


class _Found:
    """Prints each finding, or gathers them for JSON."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self.listed: list[dict[str, str]] = []
        self.suggested: dict[str, str] = {}

    def __call__(self, table: str, finding: Finding) -> None:

        if self._as_json:
            told = {"kind": finding.kind, "found": finding.found, "before": finding.before, "after": finding.after}
            self.listed.append({"table": table, **told})
            self.suggested[finding.found] = finding.put
            return
        around = f"…{finding.before}[{finding.found}]{finding.after}…"
        say(f"{finding.kind:6} {table}: {' '.join(around.split())}")


def _tell(result: ExportResult, out: Path, as_json: bool) -> None:
    from studio.exchange.about import counted

    if as_json:
        print_json(
            {
                "out": str(out),
                "corrections": result.corrections,
                "files": [{"name": file.name, "rows": file.rows, "sha256": file.sha256} for file in result.files],
                "splits": result.splits,
                "left_out": result.left_out,
                "replaced": result.findings,
            }
        )
        return
    width = max(len(file.name) for file in result.files)
    for file in result.files:
        rows = "" if file.rows is None else plural(file.rows, "row")
        say(f"{file.name:<{width}}  {rows:>14}  {size_text(file.bytes):>8}")
    if result.splits:
        say("Splits: " + ", ".join(f"{name} {count:,}" for name, count in result.splits.items()) + " corrections")
    for where, count in result.left_out.items():
        say(f"Left out of {where}: {count:,}")
    if result.findings:
        say(f"Replaced: {counted(result.findings)}")
    say(f"Exported {plural(result.corrections, 'correction')} to {out}")
