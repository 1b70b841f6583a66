"""Prompts that are the same question, found without reading all of them.

SQL passes those that may be: plain ASCII that agrees but for case and white space, and whatever else there is, for SQL
folds case in other ways than Python does. Whoever asked folds what came and looks closer.
"""

from __future__ import annotations

from collections.abc import Iterable

# What str.split takes for white space, of ASCII.
_SPACES = "'" + "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f " + "'"


def may_ask(column: str) -> str:
    """A condition on a column of prompts, with one parameter, `wanted` of the folded questions."""
    bare = f"translate(lower({column}), {_SPACES}, '')"
    return f"(strlen({column}) <> length({column}) OR {bare} IN (SELECT unnest(?::VARCHAR[])))"


def wanted(folded: Iterable[str]) -> list[str]:
    """The parameter of `may_ask`."""
    return list(dict.fromkeys("".join(one.split()) for one in folded))
