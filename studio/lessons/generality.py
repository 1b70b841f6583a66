"""Whether a remark speaks of all answers of a sort, or of the one corrected: pure, by words, English only.

One correction is little to go by: a rule for every question that asks for a number reaches one question in eight. So
a rule holds for a whole sort of question only where the user's words say so.
"""

from __future__ import annotations

import re

from studio.domain.lessons import ScopeKind
from studio.lessons.remarks import names_at

_ALWAYS = re.compile(
    r"""\b(?:
        always | never(?!\s+(?:need|knew|know|saw|heard|want|mind|minded)\b) | whenever | (?:each|any|every)\s?time
        | what(?:so)?ever\s+i\s+(?:ask|want|say) | (?:when|if|where)\s+(?:i|we|you|people|(?:any|some)(?:body|one))\b
        | (?:if|when)\s+(?:an?|any)\s+(?:answer|question) | no\s+matter\s+what | in\s+(?:all|any)\s+cases?
        | from\s+(?:now|today|here)\s+on(?:wards?)? | in\s+(?:the\s+)?future | henceforth | as\s+a\s+rule | generally
        | in\s+general | everything | everywhere | (?:my|our)\s+(?:\w+\s+)?rule\b
        | we\s+(?:write|spell|give|say|put|sign|use|call|format|abbreviate|round|list)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_QUANTIFIED = re.compile(
    r"(?<!\bwithout\s)\b(?:every|each|all|any)\s+(?:(?:the|my|our|your|of|other|large|big|short)\s+)*|\bno\s+(?=answer)",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"(?:\w+\s+)?(?:answers?|repl(?:y|ies)|responses?|questions?|facts?|texts?|sorts?)\b", re.IGNORECASE
)
# The plural without an article speaks of all there are: 'Definitions: twelve words at most.' Numbers and people's names
# are asked for so often that it takes 'all' or 'always'.
_PLURALS: dict[ScopeKind, str] = {
    ScopeKind.LISTS: r"lists|enumerations|several\s+(?:things|items)",
    ScopeKind.STEPS: r"instructions|how[\s-]tos?|recipes|procedures",
    ScopeKind.DEFINITIONS: r"definitions",
    ScopeKind.EXPLANATIONS: r"explanations|descriptions",
    ScopeKind.ADVICE: r"advice|suggestions|recommendations|tips",
    ScopeKind.YES_NO: r"(?:yes\s+or\s+no|yes/no|y/n)\s+questions",
}
_NOT_OF_ALL = "".join(
    rf"(?<!\b{word}\s)" for word in ("the", "these", "those", "as", "into", "some", "numbered", "it\\sin")
)
_SPOKEN_OF = {kind: re.compile(rf"{_NOT_OF_ALL}\b(?:{plural})\b", re.IGNORECASE) for kind, plural in _PLURALS.items()}


def speaks_of_all(remark: str) -> bool:
    """Whether the remark says 'always', 'every answer', 'whenever I ask', 'from now on', 'we write' ..."""
    if _ALWAYS.search(remark):
        return True
    return any(_ANSWER.match(remark, found.end()) for found in _QUANTIFIED.finditer(remark))


def speaks_of_all_of(remark: str, kind: ScopeKind) -> bool:
    """Whether the remark speaks of all answers of a kind: 'every number', 'definitions', or of all answers."""
    plural = _SPOKEN_OF.get(kind)
    if speaks_of_all(remark) or (plural is not None and plural.search(remark)):
        return True
    return any(names_at(remark, found.end(), kind) for found in _QUANTIFIED.finditer(remark))
