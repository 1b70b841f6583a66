"""Whether a night that says it runs is alive: one whose process was killed leaves its last word behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.domain.nights import NightProgress


class InterruptionWatch:
    """Follows the words of nights, poll by poll. It is asked at once about one found at the beginning, and about one
    whose word stays the same every `silent_polls` polls."""

    def __init__(self, silent_polls: int) -> None:
        self._silent_polls = silent_polls
        self._silent = 0
        self._said: NightProgress | None = None
        self.interrupted = False

    async def see(self, progress: NightProgress | None, runs: Callable[[], Awaitable[bool]]) -> None:
        """Take in the latest word; `runs` asks whether a night's process is alive."""
        if progress is None or progress.state.is_over or (progress != self._said and self._said is not None):
            self.interrupted, self._silent = False, 0
        else:
            if self._silent % self._silent_polls == 0:
                self.interrupted = not await runs()
            self._silent += 1
        self._said = progress
