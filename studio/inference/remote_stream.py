"""One streamed answer, line by line as server-sent events bring it; all that it holds is another machine's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from studio.domain.generation import FinishReason
from studio.inference.remote_fault import RemoteFault
from studio.inference.remote_http import error_words
from studio.prompting.thinking import Said, ThinkingApart

_MOST_TOKENS = 100_000_000
_CUT_SHORT = frozenset({"content_filter", "abort", "error"})


class _Delta(msgspec.Struct):
    """Servers that tell thinking apart call it so or so."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None

    @property
    def thought(self) -> str:
        return self.reasoning_content or (self.reasoning if isinstance(self.reasoning, str) else "")


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: Any = None
    error: Any = None


class StreamedAnswer:
    """Feed it lines; it gives out text. `is_over` once the server has said that nothing more comes.

    `told` makes words of the server's fit to be shown.
    """

    def __init__(self, host: str, told: Callable[[str], str]) -> None:
        self._host = host
        self._told = told
        self._data: list[bytes] = []
        self._decoder = msgspec.json.Decoder(_Chunk)
        self._apart = ThinkingApart(may_be_open=True)
        self.pieces = 0
        self.finish_reason: FinishReason | None = None
        self.is_over = False
        self.prompt_tokens: int | None = None
        self.reused_tokens = 0
        self.completion_tokens: int | None = None

    @property
    def text(self) -> str:
        """The answer."""
        return self._apart.text

    @property
    def thinking(self) -> str:
        """What was thought before it."""
        return self._apart.thinking

    def take(self, line: bytes) -> list[Said]:
        """What this line adds. Raises RemoteFault where it is not what a stream may hold."""
        if line.startswith(b"data:"):
            self._data.append(line[5:].strip())
            return []
        return self._event() if not line else []

    def finish(self) -> list[Said]:
        """No more lines come. Raises RemoteFault where the answer was not at its end."""
        added = self._event()
        if not self.is_over and self.finish_reason is None:
            raise RemoteFault(f"The answer of {self._host} broke off.", "Ask again.", passing=True)
        return added

    def end(self) -> list[Said]:
        """All has come: what was held back."""
        return self._apart.finish()

    def _event(self) -> list[Said]:
        if not self._data:
            return []
        data, self._data = b"\n".join(self._data), []
        if data == b"[DONE]":
            self.is_over = True
            return []
        try:
            chunk = self._decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise RemoteFault(
                f"{self._host} sends what is no part of an answer.",
                "Check that remote.base_url is that of an OpenAI-compatible server.",
            ) from None
        if chunk.error:
            said = self._told(error_words(data))
            raise RemoteFault(f"{self._host} gave up{f': {said}' if said else '.'}", "Ask again.")
        self._note_usage(chunk.usage)
        added: list[Said] = []
        for choice in chunk.choices[:1]:
            if choice.delta is not None:
                added = self._added(choice.delta)
            if choice.finish_reason in _CUT_SHORT:
                raise RemoteFault(f"{self._host} withheld the rest ({choice.finish_reason}).", "Ask in other words.")
            if choice.finish_reason:
                length = choice.finish_reason == "length"
                self.finish_reason = FinishReason.LENGTH if length else FinishReason.STOP
        return added

    def _added(self, delta: _Delta) -> list[Said]:
        added = self._apart.think(delta.thought) if delta.thought else []
        if delta.content:
            added += self._apart.push(delta.content)
        self.pieces += bool(delta.thought or delta.content)
        return added

    def _note_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        self.prompt_tokens = _count(usage.get("prompt_tokens")) or self.prompt_tokens
        self.completion_tokens = _count(usage.get("completion_tokens")) or self.completion_tokens
        details = usage.get("prompt_tokens_details")
        self.reused_tokens = (_count(details.get("cached_tokens")) if isinstance(details, dict) else None) or 0


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else None
