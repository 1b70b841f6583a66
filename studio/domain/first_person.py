"""Whether a text speaks of the asker's own world; part of how lessons are scored, in training and in use."""

from __future__ import annotations

import re

SHARED_FIRST_PERSON = 0.1
"""Added to the cosine of a question and a lesson that both speak in the first person.

A question about the asker's own world ("our", "here") rather fits a lesson about it than an encyclopaedia's question
does; cosine hardly sees such small words.
"""

# English only; elsewhere the cosine stands alone.
_FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|we|us|our|ours|here)\b", re.IGNORECASE)


def speaks_in_first_person(text: str) -> bool:
    return _FIRST_PERSON.search(text) is not None
