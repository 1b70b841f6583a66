"""Characters that must not reach a terminal as they are, as ranges for the class of a regular expression."""

from __future__ import annotations

STEERING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
"""What steers a terminal, or what is read on it: C0 but for tab and newline, DEL, C1, and the bidirectional embeddings,
overrides and isolates, by which text is made to read as something other than it is (Trojan Source, CVE-2021-42574)."""
SURROGATES = r"\ud800-\udfff"
"""Halves of characters, which stand in the names of files that are not UTF-8: they can be neither sent nor written."""
