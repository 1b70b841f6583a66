"""What a reasoning model thinks before it answers, told apart from its answer by the tags around it.

Only what stands at the very beginning is thinking: an answer that speaks of such a tag further on is an answer.
"""

from __future__ import annotations

from typing import NamedTuple

TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<thoughts>": "</thoughts>",
    "<reasoning>": "</reasoning>",
    "<reflection>": "</reflection>",
    "<seed:think>": "</seed:think>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "[THINK]": "[/THINK]",
}
"""What opens a block of thinking, and what closes it; of Qwen, DeepSeek and most others, then of single families."""
_UNSEEN_OPENING = "\n</think>\n"


class Said(NamedTuple):
    """A piece of what a model writes."""

    text: str
    is_thinking: bool


def closing_of(prompt: str) -> str:
    """The tag that closes the block of thinking which a rendered prompt leaves open; empty where it opens none."""
    end = prompt.rstrip()
    return next((closing for opening, closing in TAGS.items() if end.endswith(opening)), "")


def without_thinking(text: str) -> str:
    """The answer alone. A block that is never closed has none after it."""
    if not text.lstrip().startswith(tuple(TAGS)):
        return text
    apart = ThinkingApart()
    apart.push(text)
    apart.finish()
    return apart.text


class ThinkingApart:
    """Takes one completion as it comes and tells its thinking from its answer.

    `closing` is the tag that ends the thinking, where the prompt has opened it. `may_be_open`: whether it did is not
    known, so that a closing tag alone on its line ends it too; what was given out as answer by then counts as thinking.
    """

    def __init__(self, closing: str = "", *, may_be_open: bool = False) -> None:
        self.thinking = ""
        self.text = ""
        self._closing = closing
        self._begun = self._has_thought = bool(closing)
        self._may_be_open = may_be_open
        self._held = ""

    @property
    def is_thinking(self) -> bool:
        """Whether it has begun to think and has not come to its answer."""
        return bool(self._closing)

    def think(self, text: str) -> list[Said]:
        """Take thinking that came apart already."""
        self._may_be_open = False
        self._has_thought = True
        return self._thought(text)

    def push(self, text: str) -> list[Said]:
        """Take more text; return what is now certain."""
        self._held += text
        said = [] if self._begun else self._begin(is_end=False)
        if self._begun and self._closing:
            said += self._go_on_thinking(is_end=False)
        if self._begun and not self._closing:
            said += self._answer()
        return said

    def finish(self) -> list[Said]:
        """No more comes; return what was held back."""
        said = [] if self._begun else self._begin(is_end=True)
        if self._closing:
            return said + self._go_on_thinking(is_end=True)
        return said + self._answer()

    def _begin(self, *, is_end: bool) -> list[Said]:
        start = self._held.lstrip()
        for opening, closing in TAGS.items():
            if start.startswith(opening):
                self._begun = self._has_thought = True
                self._closing, self._held = closing, start[len(opening) :]
                return []
        if is_end or not any(opening.startswith(start) for opening in TAGS):
            self._begun = True
        return []

    def _go_on_thinking(self, *, is_end: bool) -> list[Said]:
        pending = self._held
        if not self.thinking:
            pending = pending.lstrip()
            for opening in TAGS:  # some open the block once more than their prompt did
                pending = pending.removeprefix(opening).lstrip()
        thought, closed, rest = pending.partition(self._closing)
        if closed:
            self._closing, self._held = "", rest
            self._may_be_open = False
            said = self._thought(thought.rstrip() if thought.strip() else "")
            self.thinking = self.thinking.rstrip()
            return said
        keep = 0 if is_end else _undecided(pending, [self._closing, *([] if self.thinking else TAGS)])
        self._held = pending[len(pending) - keep :]
        return self._thought(pending[: len(pending) - keep])

    def _answer(self) -> list[Said]:
        text, self._held = self._held, ""
        if not self.text and self._has_thought:
            text = text.lstrip()
        self.text += text
        if self._may_be_open and _UNSEEN_OPENING in self.text:
            self._may_be_open = False
            thought, _, rest = self.text.partition(_UNSEEN_OPENING)
            self.thinking, self.text = thought.strip(), rest.lstrip()
            return [Said(self.text, is_thinking=False)] if self.text else []
        return [Said(text, is_thinking=False)] if text else []

    def _thought(self, text: str) -> list[Said]:
        self.thinking += text
        return [Said(text, is_thinking=True)] if text else []


def _undecided(text: str, tags: list[str]) -> int:
    """How many characters at the end may begin one of these."""
    return max(
        (length for tag in tags for length in range(1, min(len(tag), len(text) + 1)) if text.endswith(tag[:length])),
        default=0,
    )
