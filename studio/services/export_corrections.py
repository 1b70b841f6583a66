"""The log, or the corrections chosen of it, as a dataset in one of the formats of the ecosystem."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from studio.domain.plural import plural
from studio.domain.progress import Progress, unheard
from studio.domain.stores import Log, LogCopy
from studio.errors import UsageError
from studio.exchange.about import counted, write_about
from studio.exchange.privacy import Privacy
from studio.exchange.request import ExportRequest, ExportResult, Found
from studio.exchange.rows_out import RowsOut, look_for_findings
from studio.exchange.writing import whole_folder
from studio.owned_folder import owned_folder


class UndecidedError(UsageError):
    """Something may be private, and nobody decided on it."""


def export_corrections(
    log: Log, destination: Path, request: ExportRequest, *, progress: Progress = unheard
) -> ExportResult:
    """Write the dataset into a new folder, all of it or nothing. Blocks; rows pass through in batches.

    Raises UsageError: unknown format, destination not empty, nothing chosen, a split would be empty, private data found
    and not decided on (UndecidedError); MachineError and StorageError where log, disk or folder do not allow it.
    """
    form = request.form()
    with whole_folder(destination) as draft:
        progress("copying the log", 0, 0)
        copied = draft / ".copied"
        copied.mkdir()
        with closing(log.copy_out(request.selection, copied, whole=form.whole)) as copy:
            result = _write(copy, draft, request, progress)
        shutil.rmtree(copied)
    return result


def _write(copy: LogCopy, draft: Path, request: ExportRequest, progress: Progress) -> ExportResult:
    _refuse_nothing(copy.counts)
    if request.privacy is None:
        progress("looking for private data", 0, 0)
        if findings := look_for_findings(copy, request, lambda *_: None):
            raise _undecided(findings)
    summary = copy.summary()  # before the copies are moved
    rows = RowsOut(copy, draft, request, progress)
    rows.write()
    if not rows.files:
        raise UsageError(
            f"No row is left for {request.format_name}: {', '.join(rows.left_out)}.", "Choose another format."
        )
    result = ExportResult(
        corrections=copy.counts["corrections"],
        files=tuple(rows.files),
        splits=dict(rows.split_sizes) if rows.splits else {},
        left_out=dict(sorted(rows.left_out.items())),
        findings=dict(sorted(rows.redactor.counts.items())),
    )
    write_about(draft, request, result, rows, summary)
    return result


def report_findings(log: Log, request: ExportRequest, found: Found, scratch: Path) -> dict[str, int]:
    """What may be private in that which would be written, each told to `found`; their number by kind. A copy of the log
    lies in `scratch` meanwhile.

    Raises UsageError where nothing is chosen, StorageError as every reading of the log.
    """
    form = request.form()
    with (
        owned_folder(scratch) as folder,
        closing(log.copy_out(request.selection, folder, whole=form.whole)) as copy,
    ):
        _refuse_nothing(copy.counts)
        return look_for_findings(copy, request, found)


def _refuse_nothing(counts: dict[str, int]) -> None:
    if not any(counts.values()):
        raise UsageError("No correction fits what was chosen.", "Choose less narrowly, or correct an answer first.")


def _undecided(findings: dict[str, int]) -> UndecidedError:
    count = sum(findings.values())
    return UndecidedError(
        f"{plural(count, 'place')} may hold private data ({counted(findings)}), so nothing was written.",
        f"Choose --privacy {Privacy.REPORT} to see them, {Privacy.REPLACE} to put placeholders there, or {Privacy.OFF}"
        " to write them as they are.",
    )
