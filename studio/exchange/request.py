"""What an export is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from studio.domain.exports import Selection
from studio.errors import UsageError
from studio.exchange.examples import ExampleOptions
from studio.exchange.formats import FORMATS, Format
from studio.exchange.privacy import Finding, Privacy, Redactor, same
from studio.exchange.splits import Shares
from studio.exchange.writing import WrittenFile

Found = Callable[[str, Finding], None]
"""Called with the table and a finding in it."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to write and how. `privacy` None refuses where anything private is found that was not decided on; `names`
    are looked for too, `keep` are findings to let stand, `decisions` say what to put in the place of each of these
    texts. `license` is an identifier of the Hub's.
    """

    format_name: str
    selection: Selection = field(default_factory=Selection)
    options: ExampleOptions = field(default_factory=ExampleOptions)
    shares: Shares = field(default_factory=Shares)
    privacy: Privacy | None = None
    names: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)
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

    @property
    def replaces(self) -> bool:
        """Whether anything written may differ from the log."""
        return self.privacy is Privacy.REPLACE or (self.privacy is None and bool(self.decisions))

    def redactor(self) -> Redactor:
        """A new one: it numbers from 1. Without a word on what was not decided, nothing is done to it."""
        return Redactor(self.names, self.keep, self.decisions, only_decided=self.privacy is None)

    @property
    def let_stand(self) -> int:
        """How many texts the user lets stand."""
        return len(self.keep) + sum(same(found) == same(put) for found, put in self.decisions.items())


@dataclass(frozen=True, slots=True)
class ExportResult:
    """`splits` are corrections by split; `left_out` by part and reason; `findings` replaced ones by kind."""

    corrections: int
    files: tuple[WrittenFile, ...]
    splits: dict[str, int]
    left_out: dict[str, int]
    findings: dict[str, int]
