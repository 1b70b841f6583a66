"""Whether two questions ask the same by their words, so that an answer to the one contradicts an answer to the other.

Likeness alone would not do: 'who keeps the key of the north gate' and '... of the south gate' lie nearer to each other
than a question and its rewording, and a lesson retired by mistake is lost silently. So the same words must be there in
the same order, but for small ones that ask and nothing else: 'who covers for Anna when Ben is away' is not 'who covers
for Ben when Anna is away'.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[+-]\d+|[^\W_]+[+#]*")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_SHORT_IS = re.compile(r"\b(what|who|where|when|how|which|that|it|there)['’]s\b")
_SHORT_ARE = re.compile(r"\b(\w+)['’]re\b")
_NOT = re.compile(r"\b(\w+?)n['’]t\b")
_NOT_SHORT = {"wo": "will", "ca": "can", "sha": "shall"}
_ASKED_POLITELY = re.compile(
    r"^(?:and |so |please )*(?:(?:can|could|would|will) you )?(?:please )?(?:tell|remind|give) (?:me|us) ?"
)
_TIME = re.compile(r"\b(?:at )?what time\b")
_OF = re.compile(r"\b(\w+) of (?:the |our |my |an? )?(\w+)\b")
_OWN = re.compile(r"\b(?:i|my|me|mine)\b")
# Tenses, 'how', 'can' and 'not' are none of these: they make another question of one. Nor is 'my', for not all is ours.
_SMALL = frozenset(
    "a an the of to in on at is are am do does what which please and now our we us again".split()  # noqa: SIM905
)
_YES_OR_NO = frozenset("is are am do does did was were can could will would has have had may must should".split())  # noqa: SIM905


def same_words(one: str, other: str) -> bool:
    """Whether two questions have the same words in the same order, small ones left out, and ask in the same way."""
    # First-aid is written in two words, too, and wi-fi in one.
    return not _readings(one).isdisjoint(_readings(other))


def _readings(question: str) -> set[tuple[bool, tuple[str, ...]]]:
    text = " ".join(question.casefold().split())
    text = _SHORT_ARE.sub(r"\1 are", _SHORT_IS.sub(r"\1 is", text))
    text = _ASKED_POLITELY.sub("", _TIME.sub("when", _NOT.sub(_not_in_full, text)))
    text = _OWN.sub("my", text)
    found = set()
    for instead in ("", " "):
        # The code of the alarm is the alarm code.
        words = _WORD.findall(_OF.sub(r"\2 \1", _HYPHEN.sub(instead, text)))
        is_yes_or_no = bool(words) and words[0] in _YES_OR_NO
        found.add((is_yes_or_no, tuple(word for word in words if word not in _SMALL)))
    return found


def _not_in_full(short: re.Match[str]) -> str:
    return f"{_NOT_SHORT.get(short[1], short[1])} not"
