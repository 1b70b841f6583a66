"""The stores over one database, each imported when it is first asked for: with what they hold they would be a fifth of
what the app does before its first paint."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from studio.storage.database import Database

if TYPE_CHECKING:
    from studio.domain.stores import (
        AdapterStore,
        AnswerStore,
        ConversationStore,
        CorrectionStore,
        ImportStore,
        LessonStore,
        NightStore,
        ProbeStore,
    )


class Stores:
    """One store per aggregate."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bring(self) -> None:
        """Import them all: in the thread that opens the log, and not on the app's loop, where one is asked for."""
        for name, value in vars(Stores).items():
            if isinstance(value, cached_property):
                getattr(self, name)

    @cached_property
    def conversations(self) -> ConversationStore:
        from studio.storage.conversations import ConversationTable

        return ConversationTable(self._database)

    @cached_property
    def answers(self) -> AnswerStore:
        from studio.storage.answers import AnswerTable

        return AnswerTable(self._database)

    @cached_property
    def corrections(self) -> CorrectionStore:
        from studio.storage.corrections import CorrectionTable

        return CorrectionTable(self._database)

    @cached_property
    def imports(self) -> ImportStore:
        from studio.storage.imports import ImportTable

        return ImportTable(self._database)

    @cached_property
    def lessons(self) -> LessonStore:
        from studio.storage.lessons import LessonTable

        return LessonTable(self._database)

    @cached_property
    def adapters(self) -> AdapterStore:
        from studio.storage.adapters import AdapterTable

        return AdapterTable(self._database)

    @cached_property
    def nights(self) -> NightStore:
        from studio.storage.nights import NightTable

        return NightTable(self._database)

    @cached_property
    def probes(self) -> ProbeStore:
        from studio.storage.probes import ProbeTable

        return ProbeTable(self._database)
