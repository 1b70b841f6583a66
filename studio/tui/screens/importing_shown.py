"""What Import shows, as text: what a file holds, what came of it, and the imports so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from studio.domain.imports import Import
from studio.domain.plural import plural
from studio.tui.plain_text import displayable, one_line
from studio.tui.screens.local_time import local_time

if TYPE_CHECKING:
    from studio.domain.log import Correction
    from studio.services.import_corrections import Imported, Previewed
    from studio.services.plan_import import Conflict, Plan, UndoneInOne

MOST_EXAMPLES = 20
MOST_LISTED = 1_000
"""Of conflicts, and of lines passed over; of more `studio import FILE --dry-run --json` tells."""
MOST_CHARACTERS = 400
"""Of one text."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One of the lists, and how much there is of what it lists."""

    content: Content = field(default_factory=lambda: Content(""))
    count: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """A headline and three lists."""

    headline: Content
    fresh: Listed = field(default_factory=Listed)
    conflicts: Listed = field(default_factory=Listed)
    skipped: Listed = field(default_factory=Listed)


def problem(message: str, hint: str) -> Told:
    """Why nothing can be shown, or nothing came in."""
    return Told(Content.assemble((displayable(message), "bold $text-error"), "\n", displayable(hint)))


def what_would_come(file: Path, previewed: Previewed) -> Told:
    """What bringing the file in would do."""
    plan = previewed.plan
    fate = "i brings it in." if len(plan.additions) else "Nothing new: there is nothing to bring in."
    headline = Content.assemble(_file(file, plan), "\n", _counts(plan), "\n", fate)
    return _lists(headline, plan, previewed.examples)


def what_came(file: Path, imported: Imported) -> Told:
    """What bringing the file in did."""
    plan = imported.plan
    if imported.made is None:
        return _lists(Content.assemble(_file(file, plan), "\nNothing new: the log is as it was."), plan, ())
    told = f"Brought in {plural(len(plan.additions), 'correction')}"
    back = f", {len(plan.additions.reinstated):,} of them taken back before" if plan.additions.reinstated else ""
    headline = Content.assemble((told, "bold $text-success"), back, " from\n", _file(file, plan), "\n", _counts(plan))
    return _lists(headline, plan, [one.correction for one in plan.additions.corrections[:MOST_EXAMPLES]])


def _lists(headline: Content, plan: Plan, examples: Sequence[Correction]) -> Told:
    more = len(plan.additions) - len(examples)
    fresh = [*map(_example, examples), *([Content(f"and {more:,} more")] if more > 0 and examples else [])]
    contradicting = [*map(_conflict, plan.conflicts[:MOST_LISTED]), *map(_undone, plan.undone_in_one[:MOST_LISTED])]
    count = len(plan.conflicts) + len(plan.undone_in_one)
    read = plan.read
    skipped = (Content(f"line {one.line}: {one_line(one.reason, 200)}") for one in read.skipped[:MOST_LISTED])
    return Told(
        headline,
        Listed(_joined(fresh, "\n\n", "Nothing new comes in."), len(plan.additions)),
        Listed(_joined([*contradicting, *_more(count)], "\n\n", "Nothing in it contradicts the log."), count),
        Listed(_joined([*skipped, *_more(read.skipped_count)], "\n", "No line is passed over."), read.skipped_count),
    )


def _more(count: int) -> Iterator[Content]:
    if count > MOST_LISTED:
        yield Content(f"and {count - MOST_LISTED:,} more; studio import FILE --dry-run --json lists them")


def _joined(parts: Sequence[Content], between: str, otherwise: str) -> Content:
    return Content(between).join(parts) if parts else Content.styled(otherwise, "$foreground-muted")


def _file(file: Path, plan: Plan) -> Content:
    return Content.assemble((one_line(str(file), 200), "bold"), f": {displayable(plan.read.format)}")


def _counts(plan: Plan) -> str:
    counts = (
        (len(plan.additions), "new"),
        (plan.known, "in the log already"),
        (len(plan.conflicts), "answered otherwise before"),
        (len(plan.undone_in_one), "undone in only one of the two"),
        (plan.read.skipped_count, "passed over"),
    )
    return " · ".join(f"{count:,} {words}" for count, words in counts if count) or "nothing in it"


def _example(one: Correction) -> Content:
    before = f"  (after {plural(len(one.history), 'message')})" if one.history else ""
    lines = [Content.assemble((_cut(one.prompt), "bold"), (before, "$foreground-muted"))]
    if one.original:
        lines.append(Content.assemble(("- ", "$text-error"), _cut(one.original)))
    return Content("\n").join([*lines, Content.assemble(("+ ", "$text-success"), _cut(one.corrected))])


def _conflict(one: Conflict) -> Content:
    holds, gives_way = (one.imported, one.present) if one.imported_holds else (one.present, one.imported)
    whose = ("the file's", "the one before") if one.imported_holds else ("the one before", "the file's")
    return Content.assemble(
        (_cut(one.prompt), "bold"),
        (f"\nholds, {whose[0]} (newer): ", "$text-success"),
        _cut(holds),
        (f"\ngives way, {whose[1]}: ", "$text-warning"),
        _cut(gives_way),
    )


def _undone(one: UndoneInOne) -> Content:
    where = "undone here, in force there" if one.undone_here else "in force here, undone there"
    return Content.assemble(
        (_cut(one.prompt), "bold"), (f"\n{where}; it stays as it is here: ", "$text-warning"), _cut(one.corrected)
    )


def _cut(text: str) -> str:
    shown = displayable(text.strip())
    return shown if len(shown) <= MOST_CHARACTERS else shown[:MOST_CHARACTERS] + "…"


class ImportList(OptionList):
    """The imports so far, newest first."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id, compact=True)
        self.can_focus = False  # the screen's keys move in it
        self._imports: list[Import] = []

    @property
    def chosen(self) -> Import | None:
        """The import that is marked."""
        index = self.highlighted
        return self._imports[index] if index is not None and index < len(self._imports) else None

    @property
    def can_take_back(self) -> bool:
        return self.chosen is not None and self.chosen.undone_at is None

    def show_imports(self, imports: Iterable[Import]) -> None:
        """List these; a new one is marked, else the mark stays."""
        known, marked = {one.id for one in self._imports}, self.chosen
        self._imports = list(imports)
        ids = [one.id for one in self._imports]
        self.clear_options()
        self.add_options([Option(_import(one)) for one in self._imports] or [Option("None yet.", disabled=True)])
        fresh = bool(ids) and ids[0] not in known
        self.highlighted = None if not ids else 0 if fresh or not marked else ids.index(marked.id)


def _import(one: Import) -> Content:
    back = f"taken back {local_time(one.undone_at)}" if one.undone_at else ""
    return Content.assemble(
        f"{local_time(one.created_at)}  {plural(one.corrections, 'correction')}  ",
        (back, "$text-warning"),
        "\n  ",
        (f"{one_line(one.source, 160)}: {one_line(one.format, 60)}", "$foreground-muted"),
    )
