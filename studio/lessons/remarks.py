"""What a user's remark on a correction is about: how to write, or what is so; and which answers it speaks of.

English only: a remark in another language makes a fact, which is found by likeness.
"""

from __future__ import annotations

import re

from studio.domain.lessons import ScopeKind
from studio.lessons.question_kinds import asks_for

_COUNTED = (
    r"(?:an?|one|a\s+single|two|three|four|five|six|seven|eight|nine|ten|a?\s*dozen|eleven|twelve|thirteen|fifteen|twenty"
    r"|\d+)"
)
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

# What can be used, put, kept or added in an answer; anything else is used, put, kept or added in the world.
_IN_AN_ANSWER = (
    r"(?:answers?|repl(?:y|ies)|responses?|sentences?|words?|names?|titles?|greetings?|lines?|paragraphs?|commas?|hyphens?|dash(?:es)?"
    r"|slash(?:es)?|quotes|quotation|brackets|bold|italics|capitals?|(?:upper|lower)[\s-]?case|letters|british|american|english|iso"
    r"|symbols?|abbreviations?|contractions|exclamation|emojis?|bullets?|markdown|tables?|short|brief|simple|polite|formal|casual"
    r"|first|last|in\s+front|at\s+the\s+(?:very\s+)?(?:end|beginning|start)|sources?|reasons?|results?|summar(?:y|ies)|"
    + "|".join(named for _, named in _NAMED)
    + r")"
)

# What people say about how to write, as against what is so. 'Always' and 'never' count only with a verb of writing:
# "we always close at six" is a fact, and so is "never put glass in it".
_ABOUT_FORM = re.compile(
    rf"""\b(?:
        (?:always|never|please|should|must|don'?t|do\s+not)\s+(?:\w+\s+){{0,2}}?
            (?:write|written|say|answer(?!\s+the\s+(?:phone|door|bell|call|roll)\b)|reply|spell|format|mention|rhyme|sound
              |(?:use|start|begin|end|give|put|sign|add|call|include|keep)
                (?:\s+\S+){{0,4}}?\s+(?:['"‘“]|{_IN_AN_ANSWER}(?!\w)))
        | (?:say|put|add)\s+(?:\S+\s+){{1,3}}(?:at\s+the\s+(?:very\s+)?(?:end|beginning|start)|in\s+front)
        | sign(?:ed|s)?[\s-]+off | sign(?:ed)?\s+(?:as|with)
        | too\s+long | say\s+it\s+short(?:ly)? | more\s+briefly | in\s+brief | be\s+brief | concise(?:ly)?
        | (?:in|to|with|within|under|over|only|just|exactly|than|most)\s+{_COUNTED}\s+(?:short\s+)?(?:words?
        |sentences?|lines?)
        | {_COUNTED}\s+(?:short\s+)?(?:words?|sentences?|lines?)\b(?=\W*(?:or\s+(?:fewer|less)|only|at\s+most
        |max|tops|is\s+the|not|no|on\s+the|always|$))
        | just\s+the\s+(?:word|name|number|answer)
        | (?:yes\s+or\s+no|code)\s+only | only\s+code | repeat\s+(?:the|my)\s+question
        | (?:code|symbol|unit|currency)\s+(?:before|after|behind)\s+the\s+(?:amount|number|price|figure)
        | (?:as|in|with)\s+(?:an?\s+)?(?:iso|bullets?|bullet\s+points|lists?|tables?|capitals?|lower[\s-]*case
        |upper[\s-]*case|json|markdown
            |brackets|words|letters|digits|decimals|numbers|bold|italics|backticks|quotes|quotation\s+marks
            |hyphens?|dashes|a\s+dash|slashes
            |the\s+(?:third|first)\s+person|the\s+(?:past|present)\s+tense)
        | (?:as|in|with|to)\s+\w+\s+(?:decimals|digits|letters|brackets|asterisks)
        | no\s+(?:emojis?|smileys?|jargon|slang|digits|commas?|slashes|capitals?|contractions|markdown|cents
        |decimals|imperial|exclamation\s+marks?
            |technical\s+terms|percentages|full\s+(?:stop|names))
        | (?:more\s+)?(?:polite(?:ly)?|formal(?:ly)?|informal(?:ly)?|casual(?:ly)?|chatty|friendl(?:y|ier))
        | tone | wording
        | (?:is|are|as\s+it\s+is)\s+written\s+(?:as|in|with
        |like) | (?:iso\s+form|yyyy\S*|24[\s-]?h\b|metric|lower[\s-]?case)
        | (?:24|12|twelve|twenty-four)[\s-]hour\s+(?:clock|times?) | am\s+(?:or|and|/)\s+pm
        | year\W+month\W+day | day\W+month\s
        | abbreviat\w+ | round(?:ed)?\s+(?:every|all|sums?|prices?|numbers?|up|down|to|please) | emojis?
        | exclamation\s+marks?
        | jargon | plain\s+words | everyday\s+words | plain\s+text | asterisks | backticks
        | bullet\s+(?:points?|list)s?
        | capital\s+letters | all\s+caps | contractions | rhymes? | pronunciation
        | quotation\s+marks | headlines?\s+short
        | (?:past|present)\s+tense | third\s+person | (?:surname|day|month|year|metric|reason|answer
        |result)\s+first\b | last\s+name,
        | first\s+the\s+(?:answer|reason|result) | {_COUNTED}\s+(?:short\s+)?(?:words?
        |sentences?)\s+(?:at\s+most|or\s+fewer|or\s+less|only|max|tops)
        | max(?:imum)?\W+(?:of\s+)?{_COUNTED}\s+(?:words?|sentences?|lines?)
        | at\s+most\s+{_COUNTED}\s+(?:words?|sentences?|lines?)
        | (?:no|without|skip|drop|leave\s+out|omit|avoid|fewer|less)\s+(?:the\s+|any\s+|your\s+)?(?:greetings?
        |preambles?
            |intro(?:duction)?s?|small\s+talk|apolog\w+|abbreviations?|filler|adjectives?|explanations?|cents|pennies
            |decimals|seconds|years?|articles|pleasantries|capital\s+letters|detail)
        | full\s+sentences? | active\s+voice | simple\s+(?:words?|language) | (?:simply|plainly|briefly|politely)
        | (?:just|only)\s+(?:the\s+)?(?:word|name|number|answer|date|price|amount|result|year|time)
        | (?:answer|reply|write|respond)\s+in\s+[a-z]+(?:ish|an|ch|ese|ian)
        | (?:i|we)\s+(?:say|write|spell)\s+.+\s+not | (?:say|write)\s+['"‘“].+['"’”],?\s+(?:and\s+)?not
        | (?:answer|reason|result|name|number|verdict|date|conclusion)\s+(?:first|1st) | (?:first|1st|reason
        |answer|result),?\s+then
        | with\s+['"‘“]\w+['"’”] | whole\s+(?:dollars|euros|pounds|units|numbers) | (?:write
        |say)\s+what\s+people\s+said
    )(?!\w)
    | ^\W*(?:mark|put|set|add|mention|name|cite|give|state|skip|separate|use|show)\s+(?:(?:the|a|an|every|all
    |each|any|your|our|important|main
        |most|key|right)\s+)*(?:key\s*words?|words?|titles?|names?|signs?|units?|numbers?|dates?|prices?|years?
        |sources?|sums?|amounts?|answers?
        |results?|reasons?|figures?|currency|decimals?|thousands|times|weekdays?|full\s+names?|fractions?
        |digits|commas?|hyphens?|dashes)\b
    | ^\W*(?:(?:please|pls)\W+)?(?:write|spell|abbreviate|answer\s+in|format|round|separate|define|(?:make|keep
    |say)\s+(?:it|this)\s+short
        |talk\s+like|(?:much|a\s+bit|even)?\s*shorter|keep\s+it)\b
    | ^\W*(?:say|write)\s+[^,.]+,\s+not\s+\w
    | \b(?:to\s+the\s+)?nearest\s+\w+ | \bcourteous(?:ly)?\b | \b(?:double|single)\s+quotes\b | ^\W*bold\b | \bin\s+"\.
    | \(\w+\)\s+(?:behind|after)\b | \bneed\s+an?\s+(?:please|thanks)\b | \bnever\s+\S+\s+!
    | \bno\s+(?:stars|hashes|bullets|%|!|th\b) | ^\W*(?:one|just)\s+(?:word|sentence)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# So do these, but not of one thing: "her name was spelled wrong", "the doors open with the bell".
_ABOUT_FORM_IN_GENERAL = re.compile(
    r"""\b(?:
        (?:start|begin|end|finish|close|open)s?\s+(?:\w+\s+){0,3}?with
        | spell(?:ed|ing|s)?(?!\s+(?:of|bee|on|out\s+on)\b) | numbered | pronounced
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
# A remark that begins with answers of a kind speaks of all of them; but not where it tells of a change in the world.
_OF_ALL = re.compile(
    r"^\W*(?:in\s+(?:the|our)\s+\w+,?\s+)?(?:(?:in|with|for|after|before|at)\s+)?(?:(?:all|every|each|any|our|my|when(?:ever)?\s+(?:i|we|you)\s+\w+(?:\s+for)?)\s+)*"
    r"(?:\w+\s+){0,2}?",
    re.IGNORECASE,
)
_FORMED = re.compile(
    r"\b(?:begin|start|end|finish|close|open|come|stand|go|get|write|written|given|shown|put|named?|spell|add|say|like|as|in|with"
    r"|without|must|should|need|always|never|between|after|first)\b|[=+]|:\s",
    re.IGNORECASE,
)
_OF_ONE_THING = re.compile(r"\W*(?:the|it|they|he|she|there|this|that|his|her|its|their)\b", re.IGNORECASE)
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
    if _ABOUT_FORM.search(remark):
        return True
    if _ABOUT_FORM_IN_GENERAL.search(remark) and not _OF_ONE_THING.match(remark):
        return True
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
