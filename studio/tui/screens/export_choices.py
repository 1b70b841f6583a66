"""What is chosen on the Export screen, as a value, and the request it amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from studio.exchange.formats import FORMATS, Format
from studio.exchange.privacy import Privacy

if TYPE_CHECKING:
    from studio.exchange.request import ExportRequest


class Findings(StrEnum):
    """What happens to texts that may be private, in the words of the screen."""

    DECIDE = "decide on each"
    REPLACE = "placeholders"
    OFF = "do not look"


@dataclass(frozen=True, slots=True)
class Choices:
    """All settings of the screen. `superseded` and `undone` None: as usual for the format. `folder` "": named for it.

    What the chosen format has no place for stays chosen, for the next format, but is not asked for.
    """

    format_name: str = "trl-sft"
    sessions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    superseded: bool | None = None
    undone: bool | None = None
    system: bool = True
    history: bool = True
    rationale: bool = False
    test: float = 0.0
    validation: float = 0.0
    seed: int = 0
    findings: Findings = Findings.DECIDE
    names: tuple[str, ...] = ()
    folder: str = ""
    title: str = "Corrections"
    license: str = "other"

    @property
    def form(self) -> Format:
        return FORMATS[self.format_name]

    @property
    def with_superseded(self) -> bool:
        return self.form.whole if self.superseded is None else self.superseded

    @property
    def with_undone(self) -> bool:
        return self.form.whole if self.undone is None else self.undone

    @property
    def takes_rationale(self) -> bool:
        return self.form.takes_rationale and not self.form.whole

    def with_(self, key: str, value: object) -> Choices:
        """The same, but for this field."""
        return replace(self, **{key: value})  # type: ignore[arg-type]

    def request(self, default_system: str, decisions: Mapping[str, str]) -> ExportRequest:
        """What to ask the export for. Raises UsageError where nothing would be left to train on."""
        # Here, for it brings numpy: the screen imports it off the loop, before it first asks for a request.
        from studio.domain.exports import Selection
        from studio.exchange.examples import ExampleOptions
        from studio.exchange.request import ExportRequest
        from studio.exchange.splits import Shares

        return ExportRequest(
            format_name=self.format_name,
            selection=Selection(
                sessions=self.sessions,
                since=_midnight(self.since),
                until=_midnight(self.until + timedelta(days=1)) if self.until else None,
                labels=self.labels,
                arms=self.arms,
                models=self.models,
                superseded=self.with_superseded,
                undone=self.with_undone,
            ),
            options=ExampleOptions(
                system=self.system,
                history=self.history,
                rationale=self.rationale and self.takes_rationale,
                default_system=default_system,
            ),
            shares=Shares() if self.form.whole else Shares(self.test, self.validation, self.seed),
            privacy={Findings.DECIDE: None, Findings.REPLACE: Privacy.REPLACE, Findings.OFF: Privacy.OFF}[
                self.findings
            ],
            names=self.names,
            decisions=dict(decisions),
            license=self.license,
            title=self.title,
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
