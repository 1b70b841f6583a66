"""A real pseudo-terminal around the real `studio`: types keys, reads the screen as a person sees it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

ENTER, ESCAPE, CTRL_Q, CTRL_S, CTRL_A, CTRL_U = "\r", "\x1b", "\x11", "\x13", "\x01", "\x15"
F2, F3, F4, F5 = "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"


class Terminal:
    """One run of `studio ARGS` in a terminal of the given size."""

    def __init__(self, workspace: Path, *arguments: str, columns: int = 160, rows: int = 50) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        environment = os.environ | {"TERM": "xterm-256color", "STUDIO_WORKSPACE": str(workspace), "LANG": "C.UTF-8"}
        self.process = pexpect.spawn(
            sys.executable, ["-m", "studio", *arguments], env=environment, dimensions=(rows, columns), timeout=None
        )

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    def read(self, seconds: float = 0.05) -> None:
        """Take in whatever the app has drawn; waits at most `seconds` for it."""
        try:
            data = self.process.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += data
        # pyte takes the private-mode SGR variants for text; they draw nothing.
        self._stream.feed(re.sub(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]", b"", data))

    def read_for(self, seconds: float) -> None:
        """Let the app draw for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.01)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, until: str | Callable[[str], bool], seconds: float = 60.0) -> str:
        """The screen once it shows the text or satisfies the condition; fails with the screen when it never does."""
        condition = (lambda screen: until in screen) if isinstance(until, str) else until
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read()
            if condition(self.text):
                return self.text
            if not self.process.isalive():
                self.read()
                break
        wanted = until if isinstance(until, str) else "the condition"
        raise AssertionError(f"{wanted!r} never came; the screen was:\n{self.text}")

    def type(self, keys: str) -> None:
        self.process.send(keys)

    def end(self, seconds: float = 20.0) -> int:
        """Wait for the process to leave; its exit code, negative for a signal."""
        deadline = time.monotonic() + seconds
        while self.process.isalive() and time.monotonic() < deadline:
            self.read()
        assert not self.process.isalive(), f"the app did not end; the screen was:\n{self.text}"
        self.read()
        self.process.close()
        if self.process.signalstatus is not None:
            return -int(self.process.signalstatus)
        return int(self.process.exitstatus or 0)

    @property
    def is_restored(self) -> bool:
        """Whether the modes the app switched on were switched off again: alternate screen, mouse, hidden cursor."""
        pairs = ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?1000h", b"\x1b[?1000l"), (b"\x1b[?25l", b"\x1b[?25h"))
        return all(self.raw.rfind(off) > self.raw.rfind(on) for on, off in pairs if on in self.raw)

    def close(self) -> None:
        self.process.close(force=True)
