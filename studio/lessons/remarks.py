"""What a user's remark on a correction is about: how to write, or what is so; and which answers it speaks of.

English, but for lengths in a few other languages: other remarks make a fact, which is found by likeness. In doubt it
is a fact as well: one that is taken for a rule is no longer found, and is put to questions it says nothing to.
"""

from __future__ import annotations

import re

from studio.domain.lessons import ScopeKind
from studio.lessons.form_signs import LOOSE, OF_A_TEXT, SURE
from studio.lessons.question_kinds import asks_for

# How people speak of the answers a rule is about, the narrower first: 'Write dates in messages as ...' is about dates
# where a date was asked for.
_NAMED: tuple[tuple[ScopeKind, str], ...] = (
    (ScopeKind.DATES, r"dates?|iso(?:[\s-]?8601)?|yyyy\S*|year[\s,-]+month|day\s+first|sort\s+my\s+\w+\s+by\s+date"),
    (ScopeKind.TIMES, r"times|times?\s+of\s+day|24[\s-]?h|(?:twenty-four|twelve|24|12)[\s-]hour|clock|[ap]\.?m\b"),
    (ScopeKind.DAYS, r"weekdays?|days?\s+of\s+the\s+week|names?\s+(?:of|for)\s+days|mon,?\s+tue"),
    (
        ScopeKind.MONEY,
        r"money|prices?|amounts?|cents|decimals|currenc(?:y|ies)|euros?|dollars?|pounds?|gbp|eur|usd|[$€£]",
    ),
    (
        ScopeKind.LENGTHS,
        r"lengths?(?!\s+or\s+weights?)|heights?|distances?|millimet\w+|mm|cm",
    ),
    (
        ScopeKind.MEASURES,
        (
            r"metric|imperial|units?|lengths?|weights?|distances?|kilomet\w+|met(?:re|er)s?|millimet\w+|miles?|mm|cm|kilos?"
            r"|celsius|fahrenheit|feet|inch(?:es)?|temperatures?|measures?"
        ),
    ),
    (ScopeKind.COMPARISONS, r"compar\w+|(?:a\s+)?vs\.?"),
    (ScopeKind.TRANSLATIONS, r"translat\w+|pronunciation|foreign\s+words?"),
    (ScopeKind.CODE, r"commands?|cmds?|code|file\s*names?|paths?"),
    (ScopeKind.STEPS, r"instructions?|steps?|how[\s-]to|how\s+to\s+do|recipes?|procedures?"),
    (
        ScopeKind.LISTS,
        r"lists?|bullets?|several\s+(?:things|items)|items|enumerat\w+|(?:stands?|put|each)\b.*\bline",
    ),
    (ScopeKind.SIGNS, r"signs?(?!\s*(?:off|with|as|your|letters|e?-?mails))|labels?|notices?|posters?|tags?"),
    (
        ScopeKind.MESSAGES,
        (
            r"messages?|msgs?|e-?mails?|mails?|letters?|notes?|memos?|announce\w*|invitations?|cards?|posts?|captions?"
            r"|texts\s+to|greet\w*|replies|sign(?:ed|s)?[\s-]+off|requests?|clients?|friends?|exclamation\w*|emojis?|smileys?"
        ),
    ),
    (ScopeKind.YES_NO, r"yes\s+or\s+no|yes/no|y/n"),
    (ScopeKind.PEOPLE, r"surnames?|(?:first|last|full)\s+names?|names?\s+(?:with|like|of\s+people)|people"),
    (ScopeKind.ADVICE, r"advice|suggest\w*|recommend\w*|tips?"),
    (ScopeKind.DEFINITIONS, r"defin\w+"),
    (ScopeKind.EXPLANATIONS, r"expla\w+|describ\w+|descriptions?|jargon|technical\s+terms|plain\s+words|ten-year-old"),
    (
        ScopeKind.NUMBERS,
        r"numbers?|digits?|figures?|thousands|million|round(?:ed)?|estimates?|guesses|nearest|percent\w*|fractions?|%",
    ),
)
_NAMED_BY = {kind: re.compile(rf"(?<!\w)(?:{named})(?!\w)", re.IGNORECASE) for kind, named in _NAMED}
_OTHER_WORD = re.compile(r"\S+\s+")

# A remark that begins with answers of a kind speaks of all of them; but not where it tells of a change in the world.
_OF_ALL = re.compile(
    r"^\W*(?:in\s+(?:the|our)\s+\w+,?\s+)?(?:(?:in|with|for|after|before|at)\s+)?(?:(?:all|every|each|any|our|my|when(?:ever)?\s+(?:i|we|you)\s+\w+(?:\s+for)?)\s+)*"
    r"(?:\w+\s+){0,2}?",
    re.IGNORECASE,
)
_FORMED = re.compile(
    r"\b(?:begin|start|end|finish|close|open|come|stand|go|get|write|written|given|shown|put|named?|spell|add|say|like|as|in|with"
    r"|without|must|should|need|always|never|between|after|first|in\s+front|before|prefer|rather|please|pls)\b|[=+]|:\s",
    re.IGNORECASE,
)
# Said of a thing or of people, and so of the world, whatever verb follows: 'They begin with a warm-up.'
_OF_ONE_THING = re.compile(
    r"\W*(?:the|it|they|he|she|there|this|that|his|her|its|their|you|one\s+of|people|(?:some|any|every|no)\s?(?:one|body)"
    r"|(?:we|i)\s+(?:must|should|have\s+to|need))\b",
    re.IGNORECASE,
)
# ... but not where the thing is the answer or a part of it.
_OF_THE_ANSWER = re.compile(
    r"\W*(?:(?:the|an?|any|every|no|all)\s+)?(?:\w+\s+)?(?:answers?|repl(?:y|ies)|texts?|tips?|tone|wording|sentences?|dates?|times|names?"
    r"|amounts?|prices?|numbers?|messages?|letters?|mails?|e-?mails?|requests?|headlines?|lists?|definitions?|explanations?|instructions?)\s+"
    r"(?:should|must|needs?|has|have|goes|go|comes?|starts?|begins?|ends?|closes?|(?:is|was)\s+too)\b"
    r"|\W*(?:it|this|that)(?:'s|\s+is|\s+was|\s+sounds)?\s+(?:\w+\s+)?too\b|\W*(?:it|this|that)\s+(?:should|must|needs\s+to)\s+(?:be|have)\b"
    r"|\W*you\s+(?:don'?t|do\s+not|needn'?t)\b|\W*the\s+(?:first|right|most|key|\w+est)\b",
    re.IGNORECASE,
)
# What is asked about writing, spelling and calling is itself of the world: "It's spelled with an a."
_ASKS_HOW_WRITTEN = re.compile(
    r"\b(?:how|what|which|who)\b.*\b(?:spell(?:ing|ed|s)?|pronounced?|address|label(?:led|s)?|numbered|named|call(?:ed|s)?|format(?:ted)?"
    r"|abbreviated?|sign(?:ed|s)?|written)\b|\bwhat\b.*\b(?:do|should|must|can)\s+(?:i|we|you)\s+(?:say|write|put|answer)\b"
    r"|\bhow\s+many\s+(?:words|lines|characters|letters|digits)\b|\b(?:length|spelling|tone|format)\s+of\s+(?:our|my|the)\b",
    re.IGNORECASE,
)
# A question about the user's own world is mostly answered by a fact; 'me' is in too many requests to tell.
_OF_ONES_OWN = re.compile(
    r"^(?!\W*(?:please\s+)?(?:recommend|suggest|describe|explain|tell|give|name|list|define|compare|summari[sz]e)\b)"
    r".*\b(?:i|my|we|us|our|ours)\b",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|;\s+")
# 'Call me Sam', but not 'Call me when you are there'.
_ADDRESS = re.compile(
    r"^\W*(?:(?:please|just|always|never|don'?t|do\s+not)\s+){0,2}(?:(?:call|address|greet)\s+me\s+(?!if\b|when\b|at\b|on\b|in\b|first\b"
    r"|back\b|before\b|after\b|from\b|about\b|for\b|again\b|and\b)\w|(?:talk|speak)\s+(?:\w+\s+)?(?:to|with)\s+me\b)"
    r"|^\W*your\s+name\s+is\b.*\b(?:now\s+on|always)\b",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(?:my|your)\s+name\s+is\b|^\W*i(?:'m|\s+am)\s+(?-i:[A-Z])|\buse\s+my\s+name\b", re.IGNORECASE)
_SUGGEST = re.compile(
    r"\b(?:suggest|recommend|plan|ideas?|tips?)\b|\bwhat(?:'s|\s+is)\s+an?\s+(?:good|nice)\b|\bwhat\s+(?:can|could|should|shall)\s+(?:i|we)\s+"
    r"(?:cook|eat|make|watch|read|wear|drink|give|play|visit|order|buy|have|see|listen)\b",
    re.IGNORECASE,
)
_OF_THE_USER = re.compile(
    r"\b(?:i|we)(?:'m|'re|\s+am|\s+are|\s+don'?t|\s+do\s+not|\s+can'?t|\s+cannot|\s+never|\s+only|\s+always|\s+like|\s+love|\s+hate|\s+prefer"
    r"|\s+avoid|\s+have|\s+want|\s+eat|\s+drink)\b|\bnever\s+suggest\b|\b(?:don'?t|stop)\s+suggest",
    re.IGNORECASE,
)
_OF_THE_WORLD = re.compile(
    r"\b(?:now|new|higher|lower|more|less|up|down|since|because|until|changed?|moved|went|rose|fell|was|were|had|did|again|today"
    r"|yesterday|tomorrow|week|month|longer|shorter|earlier|later|dearer|cheaper|old|wrong|right|sent|sold|costs?|paid|printed|kept)\b",
    re.IGNORECASE,
)


_NEAR_THE_START = 12  # characters


def named_kinds(remark: str) -> tuple[ScopeKind, ...]:
    """The kinds of answer a remark speaks of, the narrower first."""
    return tuple(kind for kind, by in _NAMED_BY.items() if by.search(remark))


def names_at(remark: str, start: int, kind: ScopeKind) -> bool:
    """Whether a kind of answer is named at this place, or after one other word."""
    following = _OTHER_WORD.match(remark, start)
    places = (start, following.end()) if following else (start,)
    return any(_NAMED_BY[kind].match(remark, place) for place in places)


def speaks_of_form(remark: str, question: str) -> bool:
    """Whether a remark on the answer to a question is about how to write, and not about what is so."""
    said = [sentence for sentence in _SENTENCE_ENDS.split(remark) if sentence.strip()]
    return any(_tells_a_form(sentence, question) for sentence in said) or _names_its_form(remark, question)


def speaks_of_the_user(remark: str, question: str) -> bool:
    """Whether a remark says how to speak with the user, or what to suggest to one who is as they are."""
    if asks_for(question, ScopeKind.TALK) and _CALLED.search(remark):
        return True
    return _ADDRESS.search(remark) is not None or (
        _SUGGEST.search(question) is not None and _OF_THE_USER.search(remark) is not None
    )


def _tells_a_form(sentence: str, question: str) -> bool:
    if _OF_ONE_THING.match(sentence) and not _OF_THE_ANSWER.match(sentence):
        return False
    is_text = asks_for(question, ScopeKind.TEXTS)
    if not is_text and _ASKS_HOW_WRITTEN.search(question):
        return False
    if SURE.search(sentence) or (is_text and OF_A_TEXT.search(sentence)):
        return True
    return LOOSE.search(sentence) is not None and (is_text or not _OF_ONES_OWN.search(question))


def _names_its_form(remark: str, question: str) -> bool:
    """Whether it begins with the kind of answer that the question asks for, and says what is to be done with it."""
    if _OF_ONE_THING.match(remark) or _OF_THE_WORLD.search(remark) or not _FORMED.search(remark):
        return False
    lead = _OF_ALL.match(remark)
    start = lead.end() if lead else 0
    return any(
        (found := by.search(remark)) is not None
        and found.start() <= start + _NEAR_THE_START
        and asks_for(question, kind)
        for kind, by in _NAMED_BY.items()
    )
