"""The pace of the demonstration: how long what was told stands before the story goes on, and who decides that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the times for which things stand."""
USUAL = FACTORS.index(1.0)


class Pace:
    """The story calls `stand`; the presenter everything else. `changed` is called whenever its words change.

    `paused` by the presenter; `by_hand`: every chapter waits for a key; `held`: something else is being shown.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.paused = False
        self.by_hand = False
        self.waits = False
        self._changed = changed
        self._speed = USUAL
        self._held = 0
        self._stepped = False
        self._at_gate = False
        self._since = 0.0
        self._news = asyncio.Event()

    async def stand(self, seconds: float, *, gate: bool = False) -> None:
        """Return once it is time to go on: after `seconds` at this pace, or when the presenter says so.

        A `gate` stands between chapters: by hand, only the presenter opens it.
        """
        self._stepped, self._at_gate, self._since, self.waits = False, gate, _now(), True
        self._tell()
        try:
            while not self._is_time(seconds):
                self._news.clear()
                left = None if self._stands_still else self._since + seconds * self.factor - _now()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), left)
        finally:
            self.waits = False
            self._tell()

    @property
    def factor(self) -> float:
        return FACTORS[self._speed]

    @property
    def held(self) -> bool:
        return self._held > 0

    @property
    def waits_for_presenter(self) -> bool:
        return self.waits and self.by_hand and self._at_gate

    @property
    def words(self) -> str:
        """Its state in a few words, for everybody in the room."""
        how = "paused" if self.paused else "waits for the presenter" if self.waits_for_presenter else ""
        hand = "" if how or not self.by_hand else "chapters by hand"
        speed = "" if self.factor == 1 else "slower" if self.factor > 1 else "faster"
        times = "" if not speed else f" ×{max(self.factor, 1 / self.factor):g}"
        return " · ".join(filter(None, (how, hand, speed + times)))

    def toggle(self) -> None:
        """Pause, or go on at once."""
        self.paused = not self.paused
        self._stepped = not self.paused
        self._tell()

    def step(self) -> None:
        """Go on now to what comes next; where paused, stay so after it."""
        self._stepped = True
        self._tell()

    def toggle_by_hand(self) -> None:
        self.by_hand = not self.by_hand
        self._tell()

    def change(self, by: int) -> None:
        """Faster with -1, slower with 1, as far as it goes."""
        self._speed = max(0, min(len(FACTORS) - 1, self._speed + by))
        self._tell()

    def like(self, other: Pace) -> None:
        """Take over how fast, and whether by hand."""
        self.by_hand, self._speed = other.by_hand, other._speed

    def hold(self) -> None:
        """The story stands still until as many have released as held it."""
        self._held += 1
        self._tell()

    def release(self) -> None:
        """What was told last stands as long as if it had just been told."""
        self._held -= 1
        self._since, self._stepped = _now(), False
        self._tell()

    @property
    def _stands_still(self) -> bool:
        return self.held or self.paused or (self.by_hand and self._at_gate)

    def _is_time(self, seconds: float) -> bool:
        if self.held:
            return False
        return self._stepped or (not self._stands_still and _now() >= self._since + seconds * self.factor)

    def _tell(self) -> None:
        self._news.set()
        self._changed()


def _now() -> float:
    return asyncio.get_running_loop().time()
