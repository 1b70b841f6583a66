"""What a right answer must and must not say. Judging text against a check lives in studio.evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The conditions on an answer, all of which must hold.

    `include`: groups; of each group at least one alternative must occur. `exclude`: none may occur.
    `pattern`: a regular expression that must be found. `max_words`: the most words allowed.
    Matching folds case, Unicode form and punctuation, and respects word boundaries.
    """

    include: tuple[tuple[str, ...], ...] = ()
    exclude: tuple[str, ...] = ()
    pattern: str | None = None
    max_words: int | None = None

    @property
    def is_empty(self) -> bool:
        return not self.include and not self.exclude and self.pattern is None and self.max_words is None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score` in [0, 1]: the share of conditions that hold. `ok` when all do. `reasons` name those that do not."""

    ok: bool
    score: float
    reasons: tuple[str, ...] = ()
