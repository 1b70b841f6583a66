"""The stores of the user's log, as ports: one per aggregate, synchronous and short (a millisecond or two).

Services call them off the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # what the app need not hold for its first paint
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from pathlib import Path

    from studio.domain.exports import Choosable, CorrectionRow, Selection
    from studio.domain.imports import Additions, Import, Logged
    from studio.domain.lessons import Lesson, LessonStatus, LessonUse, Stamps
    from studio.domain.log import (
        Answer,
        ArmPreferences,
        Conversation,
        Correction,
        Feedback,
        Origin,
        Said,
        Turn,
        Unjudged,
    )
    from studio.domain.nights import Adapter, LastAsked, Night, Probe, ProbeResult


class ConversationStore(Protocol):
    def add(self, conversation: Conversation) -> None: ...
    def rename(self, conversation_id: str, title: str) -> None: ...
    def get(self, conversation_id: str) -> Conversation: ...
    def recent(self, *, limit: int | None = None) -> list[Conversation]:
        """Newest first by last activity, with their number of turns; empty ones left out."""
        ...

    def add_turn(self, turn: Turn) -> None: ...
    def turns(self, conversation_id: str, *, before: int | None = None, latest: int | None = None) -> list[Turn]:
        """In order of position: all of them, or of those before a position only the latest."""
        ...

    def turn(self, turn_id: str) -> Turn: ...
    def asking(self, prompts: Sequence[str], origin: Origin, limit: int) -> list[list[Turn]]:
        """The turns of each conversation of this origin in which one of these was asked, the latest asked first."""
        ...


class AnswerStore(Protocol):
    def add(self, answers: Sequence[Answer]) -> None:
        """Write all or none."""
        ...

    def get(self, answer_id: str) -> Answer: ...
    def of_turns(self, turn_ids: Sequence[str]) -> dict[str, list[Answer]]:
        """Answers by turn id, in order of creation."""
        ...

    def to_prompt(self, prompt: str) -> list[Answer]:
        """Every answer ever given to exactly this prompt, oldest first: 'then and now'."""
        ...

    def add_feedback(self, answer_id: str, feedback: Feedback, at: datetime, *, blind: bool = False) -> None:
        """`blind`: it was said with the arms' names hidden."""
        ...

    def withdraw_feedback(self, answer_id: str) -> None: ...
    def preferences(self) -> list[ArmPreferences]:
        """Of every arm that was in a comparison; the most often preferred first."""
        ...

    def accepted(self) -> list[tuple[Answer, Turn]]: ...
    def said(self, folded_questions: Collection[str]) -> list[Said]:
        """Oldest first, the answers to these questions, as `domain.same_question.folded` writes them."""
        ...

    def unjudged(self, arm: str, most: int | None = None) -> list[Unjudged]:
        """Newest first: questions the user asked, of which no answer was judged, each by the latest answer of this arm,
        or where there is none by the latest of any. With `most`, of those that cannot have been corrected elsewhere
        only so many, the most doubtful."""
        ...

    def feedback_of(self, answer_ids: Sequence[str]) -> dict[str, Feedback]: ...
    def tokens_per_second(self, model_sha256: str) -> float | None:
        """The median of the latest answers that this model decoded alone, without an adapter; None of fewer than 3."""
        ...


class CorrectionStore(Protocol):
    def add(self, correction: Correction) -> None:
        """Append; on disk when this returns."""
        ...

    def get(self, correction_id: str) -> Correction:
        """Raises NotFoundError."""
        ...

    def all(self) -> list[Correction]:
        """Oldest first, with `undone` and `superseded_by` filled in."""
        ...

    def in_force(self) -> list[Correction]: ...
    def in_force_of(self, questions: Collection[str] = (), ids: Collection[str] = ()) -> list[Correction]:
        """Oldest first: those in force whose prompt is one of these but for case and white space, or of these ids."""
        ...

    def in_force_ids(self) -> set[str]:
        """Of `in_force`, in a small part of the time."""
        ...

    def unlearnt(self) -> list[Correction]:
        """Those in force that no lesson was learnt from, oldest first."""
        ...

    def set_undone(self, correction_id: str, undone: bool, at: datetime) -> None:
        """Append a tombstone, or take it back.

        Raises NotFoundError; UsageError where it would be in force beside another of the same question and history.
        """
        ...

    def changed_at(self) -> dict[str, datetime]:
        """By id, when it last changed whether a correction is in force; those it never did of are absent."""
        ...

    def of_answers(self, answer_ids: Sequence[str]) -> dict[str, list[Correction]]: ...


class ImportStore(Protocol):
    def state(self) -> str:
        """Changes whenever a correction is added, undone or reinstated, by whichever process."""
        ...

    def add(self, made: Import, additions: Additions, state: str) -> bool:
        """Write the import whole; False, and nothing, where the log is no longer in the `state` it was made for."""
        ...

    def all(self) -> list[Import]:
        """Newest first, those taken back among them."""
        ...

    def undo(self, import_id: str, at: datetime) -> list[str]:
        """Undo those of its corrections that are not undone yet; returns their ids.

        Raises NotFoundError; UsageError where it was taken back before.
        """
        ...

    def taken_back(self) -> set[str]:
        """Ids of corrections that are undone because their import was, and not by themselves."""
        ...

    def read_log(self, file: Path, most: int) -> list[Logged]:
        """The corrections of another log, oldest first. Raises UsageError where it holds more than `most`."""
        ...


class LessonStore(Protocol):
    def add(
        self,
        lesson: Lesson,
        vectors: Sequence[tuple[str, Sequence[float]]],
        embedder: str,
        *,
        revised: Sequence[Lesson] = (),
    ) -> Stamps:
        """Write a lesson with its keys: (text, vector) pairs by which it is found; `revised` with it, or none."""
        ...

    def update(self, *lessons: Lesson) -> None:
        """Replace their rows, all or none, keeping previous revisions in lesson_revision."""
        ...

    def set_vectors(self, lesson_id: str, vectors: Sequence[tuple[str, Sequence[float]]], embedder: str) -> None: ...
    def get(self, lesson_id: str) -> Lesson: ...
    def all(self, status: LessonStatus | None = None) -> list[Lesson]: ...
    def of_source(self, correction_id: str) -> list[Lesson]:
        """The lessons that this correction is a source of, oldest first."""
        ...

    def replaced_by(self, lesson_id: str) -> list[Lesson]:
        """The lessons that were retired for this one, oldest first."""
        ...

    def sources_retired(self, reason: str) -> set[str]:
        """Ids of the corrections whose lesson was retired for this reason."""
        ...

    def newest(self, most: int) -> list[Lesson]:
        """At most so many, newest first."""
        ...

    def count(self, status: LessonStatus | None = None) -> int: ...
    def labels(self) -> dict[str, tuple[str, ...]]:
        """By lesson, the labels of the questions it was learnt from; of those that have any."""
        ...

    def out_of_line(self) -> list[Lesson]:
        """Those in use with no correction in force behind them, those out of use with one, and what replaced these."""
        ...

    def of(self, ids: Sequence[str]) -> list[Lesson]:
        """Those of these ids, oldest first."""
        ...

    def marks(self, embedder: str) -> dict[str, str]:
        """By the id of each active lesson, what changes whenever it does, or what this embedder made of it."""
        ...

    def vectors(self, embedder: str, ids: Sequence[str] | None = None) -> list[tuple[str, str, Sequence[float]]]:
        """(lesson id, key text, vector) of all active lessons, or of those among `ids`; the vectors may be arrays."""
        ...

    def without_vectors(self, embedder: str) -> list[Lesson]:
        """Active lessons this embedder has not embedded: after a change of embedder or a crash in between."""
        ...

    def uses(self, lesson_id: str) -> list[LessonUse]: ...
    def stamp(self) -> str:
        """Changes whenever any lesson or vector does, by whichever process: tells a cached index that it is stale."""
        ...


class AdapterStore(Protocol):
    def add(self, adapter: Adapter) -> None: ...
    def next_version(self, model_sha256: str) -> int: ...
    def all(self, model_sha256: str | None = None) -> list[Adapter]: ...
    def active(self, model_sha256: str) -> Adapter | None: ...
    def activate(self, model_sha256: str, adapter_id: str | None, reason: str, at: datetime) -> None:
        """Make this the one active adapter of the model; None for no adapter. Appended, so it can be traced."""
        ...

    def dangling(self) -> list[str]:
        """The models whose adapter in use is not there any more: not in the log, or removed."""
        ...

    def activations(self, model_sha256: str) -> list[tuple[datetime, str | None]]:
        """When which adapter was put into use, oldest first; None where from then on none was."""
        ...

    def set_scale(self, adapter_id: str, scale: float) -> None: ...
    def mark_removed(self, adapter_id: str) -> None: ...


class NightStore(Protocol):
    def add(self, night: Night) -> None: ...
    def update(self, night: Night) -> None: ...
    def get(self, night_id: str) -> Night: ...
    def all(self) -> list[Night]:
        """Newest first."""
        ...


class ProbeStore(Protocol):
    def add(self, probes: Sequence[Probe]) -> None: ...
    def all(self) -> list[Probe]: ...
    def add_results(self, results: Sequence[ProbeResult]) -> None: ...
    def failing(self, arm: str, most: int | None = None) -> list[ProbeResult]:
        """The latest result with this arm of the probe of each correction in force, where it is wrong; newest first.
        With `most`, only so many."""
        ...

    def results(self) -> list[ProbeResult]: ...
    def last_asked(self, occasion: str) -> list[LastAsked]:
        """Of every probe and arm with a result of this kind of occasion, which is what stands before its colon."""
        ...


class LogCopy(Protocol):
    """What was chosen of the log, copied out: rows in batches, as often as need be. `counts` are rows by table."""

    counts: dict[str, int]

    def close(self) -> None:
        """Let go of it; the files stay."""
        ...

    def file(self, table: str) -> Path:
        """The table as Parquet."""
        ...

    def lines(
        self, table: str, screen: str, *, suspects_only: bool = False, most: int | None = None
    ) -> Iterator[list[tuple[str, bool]]]:
        """Batches of the rows as JSON, and whether what is written in them matches `screen`, a pattern of RE2's.

        `most` looks at no more than so many, from the first on.
        """
        ...

    def corrections(
        self, screen: str, *, suspects_only: bool = False, most: int | None = None
    ) -> Iterator[list[CorrectionRow]]:
        """Batches of the corrections, oldest first; suspect where a text of theirs matches `screen`.

        `most` looks at no more than so many.
        """
        ...

    def summary(self) -> dict[str, dict[str, int]]:
        """How many corrections there are by label, arm, model, origin, state, day, and with messages before them."""
        ...

    def vectors(self) -> list[tuple[str, list[float]]]:
        """Of the questions, by the id of their correction, as far as one embedder made them."""
        ...

    def rewrite(self, table: str, lines: Iterable[bytes]) -> None:
        """Put other rows of the same columns in the place of a table's file; `lines` are JSON as `lines` gives it."""
        ...


class Log(Protocol):
    """The user's log: one store per aggregate over one file."""

    @property
    def conversations(self) -> ConversationStore: ...

    @property
    def answers(self) -> AnswerStore: ...

    @property
    def corrections(self) -> CorrectionStore: ...

    @property
    def imports(self) -> ImportStore: ...

    @property
    def lessons(self) -> LessonStore: ...

    @property
    def adapters(self) -> AdapterStore: ...

    @property
    def nights(self) -> NightStore: ...

    @property
    def probes(self) -> ProbeStore: ...

    def open(self) -> None:
        """Make or migrate the file; whatever is done first with the log does so too, and waits where it is under way.

        Raises StorageError.
        """
        ...

    def one_look(self) -> AbstractContextManager[None]:
        """What this thread reads within the block is read at once, of one state; nothing can be written in it."""
        ...

    def check(self) -> list[str]:
        """What is wrong with the log, a sentence each; empty when it is whole."""
        ...

    def copy_out(self, selection: Selection, folder: Path, *, whole: bool, most: int | None = None) -> LogCopy:
        """Copy the chosen corrections into `folder`, which exists; `whole` copies also the rest of the log. With `most`
        only so many of them, the oldest, and nothing else."""
        ...

    def choosable(self) -> Choosable:
        """What corrections can be chosen by."""
        ...

    def backup(self) -> Path:
        """A verified copy. Raises StorageError; the log is kept."""
        ...

    def backup_if_older(self, than: timedelta) -> Path | None:
        """A verified copy, if the newest is older than this and the log has changed since; else None.

        Raises StorageError; the log is kept.
        """
        ...

    def backups(self) -> list[Path]:
        """Newest first."""
        ...

    def newest_good_backup(self) -> Path | None:
        """The newest backup that can be read to its last block; None where there is none."""
        ...

    def faulty_views(self) -> list[str]:
        """The names of views that are missing, or are not what the studio made."""
        ...

    def rebuild_views(self) -> None:
        """Make every view anew; no table is touched."""
        ...

    def query(self, sql: str, *, limit: int | None = None) -> tuple[list[str], list[tuple[object, ...]]]:
        """Run one read-only statement; returns column names and rows. Raises StorageError with the reason."""
        ...
