"""Prompts that are the same question, found without reading all of them.

SQL passes those that may be: what agrees but for case, and whatever it does not fold as Python does, which is all that
is not plain ASCII with single spaces. Whoever asked folds what came and looks closer.
"""

from __future__ import annotations

# What str.split takes for white space, of ASCII, beside spaces. This pattern tried on each prompt of an old log would
# cost twice as much as all else here: JSON writes such characters as more than one, as it does quotes.
_CONTROLS = r"[\t-\r\x1c-\x1f]"


def may_ask(column: str, questions: str = "?") -> str:
    """A condition on a column of prompts; its one parameter is the list of folded questions."""
    return f"(lower({column}) IN (SELECT unnest({questions}::VARCHAR[])) OR {folds_otherwise(column)})"


def folds_otherwise(column: str) -> str:
    """A condition on a column of prompts: SQL's lower may not fold it as Python does. All others it does."""
    spaced = f"contains({column}, '  ') OR starts_with({column}, ' ') OR ends_with({column}, ' ')"
    controls = f"strlen(to_json({column})) <> strlen({column}) + 2 AND regexp_matches({column}, '{_CONTROLS}')"
    return f"(strlen({column}) <> length({column}) OR {spaced} OR ({controls}))"
