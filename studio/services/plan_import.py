"""What an import would do to the log: what is new, what it has already, and which of two answers to a question holds.

Pure: from what a file holds and what the log holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, Role
from studio.domain.identity import new_id
from studio.domain.imports import Additions, Draft, Logged
from studio.domain.log import Correction, Origin
from studio.domain.progress import Progress, unheard
from studio.errors import UsageError
from studio.evaluation.checks import check_from_edit
from studio.exchange.reading import FileRead
from studio.prompting.thinking import without_thinking
from studio.services.record_correction import MAX_CHARACTERS, refuse_bad, storable

Question = tuple[str, tuple[ChatMessage, ...]]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two answers to one question: what held in the log, or came before in the file, and what was brought in."""

    prompt: str
    present: str
    imported: str
    imported_holds: bool


@dataclass(frozen=True, slots=True)
class UndoneInOne:
    """A correction that both logs have and only one of them took back, this one where it is `undone_here`. As this log
    has it, it stays.
    """

    prompt: str
    corrected: str
    undone_here: bool


@dataclass
class Plan:
    """`known` counts what the log has already; `read` is told of what is passed over."""

    read: FileRead
    additions: Additions
    known: int
    conflicts: list[Conflict]
    undone_in_one: list[UndoneInOne]

    def with_checks(self, progress: Progress = unheard) -> Additions:
        """The additions, those of other tools with the check that their edit gives."""
        own = {logged.correction.id for _, logged in self.read.logged}
        made: list[Logged] = []
        for one in self.additions.corrections:
            progress("making checks", len(made), len(self.additions.corrections))
            made.append(one if one.correction.id in own else _checked(one))
        return replace(self.additions, corrections=tuple(made))

    def examples(self, most: int, log: Iterable[Correction] = ()) -> list[Correction]:
        """The first of what would be brought in."""
        back = set(self.additions.reinstated)
        fresh = [one.correction for one in self.additions.corrections[:most]]
        return (fresh + [one for one in log if one.id in back])[:most]


def plan_import(read: FileRead, log: Sequence[Correction], taken_back: set[str], at: datetime) -> Plan:
    """Weigh what was read against all corrections of the log.

    `taken_back` are those undone because their import was: they come back, where the user's own undo stays. A
    correction is the same by its id in the studio's own form, by question, history, original and corrected answer in
    another; where a file names no original answer, without that. `at` is the time of what has none of its own.
    """
    planner = _Planner(read, log, taken_back, at)
    for line, logged in read.logged:
        planner.take_logged(line, logged)
    for line, draft in read.drafts:
        planner.take_draft(line, draft)
    return planner.plan()


class _Planner:
    def __init__(self, read: FileRead, log: Sequence[Correction], taken_back: set[str], at: datetime) -> None:
        self._read = read
        self._at = at
        self._taken_back = taken_back
        self._log = {one.id: one for one in log}
        self._by_content: dict[tuple[object, ...], str] = {}
        for one in sorted(log, key=lambda one: one.id not in taken_back):  # what is there counts before what was
            for content in _contents(one):
                self._by_content[content] = one.id
        self._lines: dict[object, int] = {}
        self._logged: dict[str, Logged] = {}
        self._fresh: list[Correction] = []
        self._reinstated: dict[str, Correction] = {}
        self._links: dict[tuple[str, str], None] = {}
        self._conflicts: list[Conflict] = []
        self._undone_in_one: list[UndoneInOne] = []
        self._known = 0

    def take_logged(self, line: int, logged: Logged) -> None:
        """A correction that has an id."""
        one = logged.correction
        if fault := _fault(one):
            self._read.skip(line, fault)
        elif one.id in self._lines:
            self._read.skip(line, f"it is the same correction as in line {self._lines[one.id]}")
        elif one.id not in self._log:
            self._lines[one.id] = line
            self._logged[one.id] = logged
        elif _content(one) != _content(self._log[one.id]):
            self._read.skip(line, "the log has another correction with its id")
        elif one.id in self._taken_back and one.undone:
            self._known += 1  # undone there as well
        else:
            self._compare_undone(one)
            self._take_known(one.id)

    def take_draft(self, line: int, draft: Draft) -> None:
        """A correction of another tool, which gets an id."""
        one = Correction(
            id=new_id(),
            prompt=storable(draft.prompt),
            corrected=without_thinking(storable(draft.corrected)),
            original=without_thinking(storable(draft.original)),
            # A time to come is none: it would win over all that is corrected until then.
            created_at=draft.created_at if draft.created_at and draft.created_at < self._at else self._at,
            check=Check(),  # derived when it is brought in, for that takes its time
            history=tuple(ChatMessage(one.role, without_thinking(storable(one.content))) for one in draft.history),
            rationale=storable(draft.rationale),
            feedback=storable(draft.feedback),
            labels=tuple(map(storable, draft.labels)),
            origin=Origin.IMPORTED,
        )
        content = _content(one) if one.original else _contents(one)[-1]
        if fault := _fault(one):
            self._read.skip(line, fault)
        elif content in self._lines:
            self._read.skip(line, f"it is the same correction as in line {self._lines[content]}")
        elif (known := self._by_content.get(content)) is not None:
            self._lines[content] = line
            self._take_known(known)
        else:
            for either in _contents(one):
                self._lines.setdefault(either, line)
            self._fresh.append(one)

    def plan(self) -> Plan:
        """Settle which answers hold, and what is to be written for that."""
        self._keep_links_of_file()
        self._weigh()
        corrections = (*self._logged.values(), *map(Logged, self._fresh))
        additions = Additions(corrections, tuple(self._reinstated), tuple(self._links))
        return Plan(self._read, additions, self._known, self._conflicts, self._undone_in_one)

    def _compare_undone(self, one: Correction) -> None:
        here = self._log[one.id].undone
        if here != one.undone and one.id not in self._taken_back:
            self._undone_in_one.append(UndoneInOne(one.prompt, one.corrected, here))

    def _take_known(self, correction_id: str) -> None:
        if correction_id in self._taken_back:
            self._reinstated[correction_id] = self._log[correction_id]
        else:
            self._known += 1

    def _keep_links_of_file(self) -> None:
        """Which correction replaces another by an earlier import there: `supersedes` does not tell."""
        for one in (logged.correction for logged in self._logged.values()):
            successor = one.superseded_by and (self._logged.get(one.superseded_by) or self._log.get(one.superseded_by))
            if isinstance(successor, Logged):
                successor = successor.correction
            if successor and successor.supersedes != one.id:
                self._links[one.id, successor.id] = None

    def _weigh(self) -> None:
        """Of two answers to one question the newer holds; among its own corrections a log has settled that itself."""
        known = self._logged.keys() | self._log.keys()
        brought = [
            *(
                one.correction
                for one in self._logged.values()
                if not one.correction.undone and one.correction.superseded_by not in known
            ),
            *self._reinstated.values(),
            *self._fresh,
        ]
        replaced = {one.correction.supersedes for one in self._logged.values() if not one.correction.undone}
        holding: dict[Question, Correction] = {
            _question(one): one for one in self._log.values() if one.in_force and one.id not in replaced
        }
        places = {one.id: place for place, one in enumerate(self._fresh)}
        for one in sorted(brought, key=lambda one: (one.created_at, one.id)):
            present = holding.get(_question(one))
            if present is None or (one.id in self._logged and present.id in self._logged):
                holding[_question(one)] = one
                continue
            newer = one.created_at >= present.created_at
            if " ".join(one.corrected.split()) != " ".join(present.corrected.split()):
                self._conflicts.append(Conflict(one.prompt, present.corrected, one.corrected, newer))
            if not newer:
                self._links[one.id, present.id] = None
                continue
            holding[_question(one)] = one
            if one.id in places:
                holding[_question(one)] = self._fresh[places[one.id]] = replace(one, supersedes=present.id)
            else:
                self._links[present.id, one.id] = None


def _checked(logged: Logged) -> Logged:
    one = logged.correction
    return replace(logged, correction=replace(one, check=check_from_edit(one.original, one.corrected, one.prompt)))


def _fault(one: Correction) -> str | None:
    try:
        refuse_bad(one.prompt, one.corrected, one.original)
    except UsageError as error:
        return error.message[:1].lower() + error.message[1:].rstrip(".")
    if max((len(message.content) for message in one.history), default=0) > MAX_CHARACTERS:
        return f"a message before the question is longer than {MAX_CHARACTERS:,} characters"
    return None


def _before(one: Correction) -> tuple[ChatMessage, ...]:
    return tuple(message for message in one.history if message.role is not Role.SYSTEM)


def _content(one: Correction) -> tuple[object, ...]:
    return (one.prompt, _before(one), one.original, one.corrected)


def _contents(one: Correction) -> list[tuple[object, ...]]:
    """What it is the same by: with its original answer, and without."""
    return [_content(one), (one.prompt, _before(one), None, one.corrected)]


def _question(one: Correction) -> Question:
    return " ".join(one.prompt.casefold().split()), _before(one)
