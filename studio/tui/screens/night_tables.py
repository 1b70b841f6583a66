"""The history of nights and the adapters they made, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.text import Text
from textual.widgets import DataTable

from studio.domain.nights import Adapter, Night, NightProgress
from studio.tui.plain_text import one_line
from studio.tui.screens.local_time import local_time
from studio.tui.screens.night_words import STATES, minutes_of


class _RowTable(DataTable[Text]):
    """Rows of plain text; filled anew, the cursor stays where it was."""

    COLUMNS: tuple[str, ...] = ()

    def __init__(self, *, id: str) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id, cursor_type="row", zebra_stripes=True)

    def on_mount(self) -> None:
        self.add_columns(*self.COLUMNS)

    def fill(self, rows: Iterable[Sequence[str]]) -> None:
        """Put these rows in the place of those shown."""
        row = self.cursor_row
        self.clear()
        for cells in rows:
            self.add_row(*(Text(one_line(cell)) for cell in cells))
        self.move_cursor(row=row)


class NightsTable(_RowTable):
    """Newest first; why a night ended as it did is told elsewhere, it takes sentences."""

    COLUMNS = ("started", "state", "corrections", "adapter", "min")

    def show_nights(self, nights: Sequence[Night], adapters: Sequence[Adapter]) -> None:
        versions = {adapter.id: f"v{adapter.version}" for adapter in adapters}
        self.fill(
            (
                local_time(night.started_at),
                STATES[night.state],
                str(len(night.correction_ids)),
                versions.get(night.adapter_id or "", "-"),
                minutes_of(night),
            )
            for night in nights
        )


class AdaptersTable(_RowTable):
    """Newest first, without those whose files were removed."""

    COLUMNS = ("version", "in use", "made", "scale", "method")

    def __init__(self, *, id: str) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self.listed: list[Adapter] = []

    @property
    def chosen(self) -> Adapter | None:
        """The adapter under the cursor."""
        return self.listed[self.cursor_row] if self.cursor_row < len(self.listed) else None

    def show_adapters(self, adapters: Iterable[Adapter]) -> None:
        kept = (adapter for adapter in adapters if not adapter.removed)
        self.listed = sorted(kept, key=lambda adapter: adapter.version, reverse=True)
        self.fill(
            (
                f"v{adapter.version}",
                "● yes" if adapter.active else "",
                local_time(adapter.created_at),
                f"{adapter.scale:.2f}",
                f"{adapter.method}, rank {adapter.rank}",
            )
            for adapter in self.listed
        )


def as_told(nights: Sequence[Night], told: NightProgress | None) -> list[Night]:
    """The nights, the running one in the state it last told: the log learns of it a little later."""
    if told is None or told.state.is_over:
        return list(nights)
    return [
        replace(night, state=told.state) if night.id == told.night_id and not night.state.is_over else night
        for night in nights
    ]
