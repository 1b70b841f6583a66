"""From token bytes to text: whole characters only, and nothing that may yet turn out to be a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Decodes one completion as its bytes arrive.

    A character may be spread over several tokens, so bytes wait until they make one. Bytes that can
    never make one become U+FFFD. `stopped` turns true at the first stop string; it and what follows are
    not part of the text.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(text for text in stop if text)
        self._parts: list[str] = []
        self._held = ""
        self.stopped = False

    @property
    def text(self) -> str:
        """All text given out so far."""
        return "".join(self._parts)

    def push(self, piece: bytes) -> str:
        """Take the bytes of one token; return the text that is now certain."""
        return self._release(self._decoder.decode(piece), is_end=False)

    def finish(self) -> str:
        """No more bytes will come; return what was held back. Half a character at the end is dropped."""
        return self._release("", is_end=True)

    def _release(self, text: str, *, is_end: bool) -> str:
        if self.stopped:
            return ""
        pending = self._held + text
        cuts = [found for stop in self._stop if (found := pending.find(stop)) >= 0]
        if cuts:
            self.stopped = True
            released, self._held = pending[: min(cuts)], ""
        else:
            keep = 0 if is_end else self._undecided(pending)
            released, self._held = pending[: len(pending) - keep], pending[len(pending) - keep :]
        if released:
            self._parts.append(released)
        return released

    def _undecided(self, text: str) -> int:
        """How many characters at the end may begin a stop string."""
        longest = 0
        for stop in self._stop:
            for length in range(min(len(stop) - 1, len(text)), longest, -1):
                if text.endswith(stop[:length]):
                    longest = length
                    break
        return longest
