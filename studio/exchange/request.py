"""What an export is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from studio.domain.exports import Selection
from studio.errors import UsageError
from studio.exchange.examples import ExampleOptions
from studio.exchange.formats import FORMATS, Format
from studio.exchange.privacy import Finding, Privacy
from studio.exchange.splits import Shares
from studio.exchange.writing import WrittenFile

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many rows of it are, and of how many."""
Found = Callable[[str, Finding], None]
"""Called with the table and a finding in it."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to write and how. `privacy` None refuses where anything private is found; `names` are looked for too,
    `keep` are findings to let stand. `license` is an identifier of the Hub's.
    """

    format_name: str
    selection: Selection = field(default_factory=Selection)
    options: ExampleOptions = field(default_factory=ExampleOptions)
    shares: Shares = field(default_factory=Shares)
    privacy: Privacy | None = None
    names: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    license: str = "other"
    title: str = "Corrections"

    def form(self) -> Format:
        """The format. Raises UsageError where there is none of this name, or it has no place for what is asked."""
        form = FORMATS.get(self.format_name)
        if form is None:
            raise UsageError(f"There is no format '{self.format_name}'.", f"Choose from: {', '.join(FORMATS)}.")
        if self.options.rationale and not (form.takes_rationale or form.whole):
            raise UsageError(f"{form.name} has no place for the rationale.", "Leave --rationale out.")
        if form.whole and self.shares.any:
            raise UsageError(f"{form.name} holds the log as it is, unsplit.", "Leave --test and --validation out.")
        return form


@dataclass(frozen=True, slots=True)
class ExportResult:
    """`splits` are corrections by split; `left_out` by part and reason; `findings` replaced ones by kind."""

    corrections: int
    files: tuple[WrittenFile, ...]
    splits: dict[str, int]
    left_out: dict[str, int]
    findings: dict[str, int]
