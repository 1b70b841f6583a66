"""What kind of answer a question asks for, told by its words: by this a rule of style finds the questions it holds for.

English only; of a question in another language nothing is known, and its rules are found by likeness alone. Words were
chosen on half of the reader's style families and on benchmarks/data; docs/lessons.md has the figures on the other half.
"""

from __future__ import annotations

import re

from studio.domain.lessons import ScopeKind

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june|july|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)"
)
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_COUNT = (
    r"(?:\d[\d.,]*|an?|half|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
    r"|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)"
)
_SOME = (
    r"(?:some|several|many|all|a\s+few|any|the|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|\d+)"
)
_MONEY = r"(?:euros?|dollars?|pounds?|cents?|pence|pennies|francs?|kron[aeo]r?|rupees?|yen|gbp|eur|usd|chf)"
_LENGTH_UNIT = r"(?:(?:kilo|centi|milli)?met(?:er|re)s?|km|cm|mm|m|miles?|feet|foot|ft|inch(?:es)?|yards?)"
_OTHER_UNIT = (
    r"(?:(?:kilo|milli)?grams?|grammes?|kilos?|kg|g|tons?|tonnes?|ounces?|lbs?|pounds?"
    r"|lit(?:er|re)s?|gallons?|pints?|degrees|celsius|fahrenheit)"
)
_NO_QUESTION = r"(?!\W*(?:what|which|who|whom|whose|why|when|where|how|is|are|was|were|do|does|did|has|have)\b)"
_REQUEST = r"^\W*(?:(?:please|now|and|can\s+you|could\s+you|would\s+you|i\s+want\s+you\s+to|help\s+me(?:\s+to)?)\W+)*"
# What is written for somebody to read, and the verbs that send it off.
_LETTER = (
    r"(?:messages?|msgs?|e-?mails?|mails?|letters?|notes?|memos?|announcements?|invitations?|greetings?|wish(?:es)?"
    r"|complaints?|applications?|txts?|chats?|repl(?:y|ies)|postcards?|cards?|posts?|texts?|captions?|newsletters?|reminders?|requests?|circulars?|toasts?)"
)
_LABEL = r"(?:signs?|labels?|notices?|posters?|price\s+tags?|tags?|stickers?|boards?|name\s+plates?)"
_TELL = (
    r"(?:e-?mail|mail|message|text|send|invite|announce|thank|congratulate|remind|warn|inform|notify|greet|welcome"
    r"|apologi[sz]e|let\s+\w+(?:\s+\w+)?\s+know|get\s+\w+\s+to|say\s+that|cheer\s+up|(?:tell|ask|let|write\s+to|say)\s+(?!me\b|us\b|in\b|that\b|it\b|again\b"
    r"|how\b|why\b)"
    r"(?!(?:an?|some|the)\s+(?:\w+\s+)?(?:joke|story|tale|poem|riddle|lie|rhyme|essay|song|sentence|headline"
    r"|line|list|time|number)s?\b)"
    r"(?:(?:to|hello|yes|no)\s+)*(?:the|an?|my|our|your|her|his|their|[a-z]\w+)\b)"
)
# An imperative that asks for a text of some length, as against a question that is answered.
_WRITE = (
    r"(?:write|draft|compose|invent|describe|create|make\s+up|rewrite|reword|rephrase|summari[sz]e|retell|produce"
    r"|recite)"
)

_SIGNS: dict[ScopeKind, str] = {
    ScopeKind.DATES: rf"""
        \bwhen\s+(?:is|was|were|did|will|are|has|had)\b(?!.*\b\d{{1,2}}:\d\d\b)
        | \b(?:what|which)(?:\s+is|'s|\s+was)?\s+(?:the\s+)?(?:exact\s+)?dates?\b(?!\s+(?:palm|tree|fruit))
        | \b(?:on|at|by|since|from)\s+(?:what|which)\s+(?:day|date)\b(?!.*\bweek)
        | \bdates?\s+(?:of|for|when|on\s+which|is|was)\b | \bdate\s+the\b
        | \b(?:first|last)\s+day\s+of\b(?!\s+(?:the\s+)?(?:week|work))
        | \b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}\b | \b{_MONTH}\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\b
        | \b(?:first|second|third|\w+th|\w+(?:st|nd|rd))\s+of\s+{_MONTH}\b
        | \b\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}\b
    """,
    ScopeKind.DAYS: rf"\b{_WEEKDAY}\b | \b(?:which|what)\s+day\b | \bdays?\s+of\s+the\s+week\b | \bweekend\s+days?\b",
    ScopeKind.TIMES: r"""
        \b\d{1,2}[:.]\d\d\b(?!\s*(?:euros?|dollars?|pounds?|metres?|kg|m\b|%))(?<![$€£]\d\.\d\d)(?<![$€£]\d\d\.\d\d)
        | \b\d{1,2}\s*(?:am|pm|a\.m|p\.m|o'?clock|h)\b
        | \b(?:half|quarter|\w+\s+minutes?)\s+(?:past|to|before|after)\b | \b(?:ten|five|twenty)\s+(?:past|to)\s+\w+
        | \b\w+\s+(?:o'?clock|in\s+the\s+(?:morning|afternoon|evening)|at\s+night)\b
        | \b(?:what|which)\s+(?:time|hour)\b | \b(?:noon|midnight)\b
    """,
    ScopeKind.MONEY: rf"""
        [$€£¥]\s?\d | \d\s?[$€£¥]
        | \b{_COUNT}\s+{_MONEY}\b(?!\s+of\b)(?!.*\bweigh)(?!.*\bheavy)
        | \bhow\s+much\b.*\b(?:cost|pay|spend|earn|charge|owe|price)s?\b | \bhow\s+(?:expensive|dear)\b
        | \b(?:what|which)\b.*\b(?:cost|price)s?\b | \bprices?\s+(?:of|for|tag|list)\b | \bhow\s+much\s+money\b
    """,
    ScopeKind.LENGTHS: rf"""
        \bhow\s+(?:far|high|tall|deep|wide|thick|broad)\b
        | \bhow\s+long\s+(?:is|are|was|were)\b
          (?!.*\b(?:century|decade|year|month|week|day|hour|minute|film|movie|flight|play|concert|war|trip
            |visit|course|life
            |semester|term|lesson|meeting|break)\b)
        | \b(?:what|which)\b.*\b(?:height|length|width|depth|distance|size)\b
        | \b(?:length|height|width|depth|size|distance)\s+of\b | \b(?:{_COUNT}\s+|\d){_LENGTH_UNIT}\b(?!\s*[-/])
    """,
    ScopeKind.MEASURES: rf"""
        \bhow\s+(?:heavy|hot|cold|fast)\b | \bhow\s+much\s+(?:do|does|did)\b.*\bweigh
        | \b(?:what|which)\b.*\b(?:weight|temperature)\b | \b(?:weight|temperature)\s+of\b
        | \b(?:{_COUNT}\s+|\d){_OTHER_UNIT}\b(?!\s*[-/]) | \d\s?°
        | \bfreez\w*\b.*\btemperature | \btemperature\b.*\b(?:freez|boil|melt)
    """,
    ScopeKind.NUMBERS: r"""
        \bhow\s+(?:many|old)\b | \bnumber\s+of\b | \bpopulation\b
        | \bhow\s+(?:much|far|long|high|tall|heavy|deep)\b(?!.*\b(?:should|can)\s+i\b)
        | \b\d[\d.,]*\s*(?:plus|minus|times|divided|x|\*|\+|-|/|percent|%)
        | \b(?:sum|half|third|quarter|square|product|difference)\s+of\s+\d | \bpercent | \bwhat\s+(?:share|part)\b
        | ^\W*(?:calculate|compute|count|add|subtract|multiply)\b
    """,
    ScopeKind.LISTS: rf"""
        \b(?:name|list|give|tell|suggest|recommend|mention)\s+(?:(?:me|us)\s+)?{_SOME}\s+(?!(?:me|us|time|date
          |same|capital)\b)\w*\w+s\b
        | \b(?:name|list|give|tell)\s+(?:(?:me|us)\s+)?(?:some|several|all|two|three|four|five|six|seven|ten)\b
        | \b(?:kinds|types|sorts|examples|list)\s+of\b | \b(?:shopping|packing|to-?do|guest)\s+list\b
        | \bwhich\s+(?:{_SOME}\s+)?(?!.*\bwas\b)(?!is\b|does\b|has\b|was\b)\w+[^s\W]s\s+(?:are|do|does|can
        |should|have|were|belong|make|must)\b
        | \bwhat\s+are\s+(?:the\s+)?(?:\w+\s+)?\w+s\b(?!\s+(?:made|used|called|for)\b)
        | \bwhat\s+(?:do|should|must|can)\s+(?:i|we|you)\s+(?:need|pack|bring|buy|take\s+(?:to|on|with))\b
          | ^\W*(?:list|enumerate)\b
        | ^\W*{_SOME}\s+(?:tips|ideas|examples|reasons|ways|things)\b
    """,
    ScopeKind.STEPS: r"""
        \bhow\s+(?:do|can|should|would|must)\s+(?:i|we|you|one)\b(?!\s+(?:say|spell|pronounce|call
          |know)\b)(?!.*\bin\s+\w+ish\b)
        | ^\W*how\s+to\b | \b(?:tell|show|teach|explain|describe|write|remind)\b.*\bhow\s+to\b
        | \binstructions?\b | \bsteps?\b | \b(?:recipe|directions)\s+(?:for|to)\b
    """,
    ScopeKind.DEFINITIONS: rf"""
        ^\W*(?:so\s+)?(?:what(?:'?s|\s+is|\s+are|\s+was|\s+were))\s+
            (?!\d)(?!(?:half|your|my|their|his|her|its)\b)(?!(?:the|a|an|our)\s+(?:good|word|synonym|third
              |quarter|half|\w+est|name|capital
                |time|date|plural|opposite|price|code|number|sum|square|difference|best)\b)
            (?:(?:an?|the|our|'|")\s*)?(?:(?!of\b|for\b|in\b|from\b|to\b)[\w'’-]+\s+){{0,3}}[\w'’"-]+\W*(?:$|[?.]\s)
            (?<!called\?)(?<!called)(?<!named\?)(?<!made\sof\?)(?<!made\sof)(?<!used\sfor\?)(?<!used\sfor)
        | \bwhat\s+(?:do|does|did)\s+.*\b(?:mean|stand\s+for)\W*$ | {_REQUEST}define\b | \bmeaning\s+of\b
        | \bexplain\s+what\b.*\b(?:is|are|means?)\W*$
    """,
    ScopeKind.EXPLANATIONS: rf"""
        \bwhat\s+(?:do|does|did)\s+.*\bdo(?:\s+(?:in|at|on|with)\b.*)?\W*$
        | \bwhat\s+(?:is|are)\s+(?!.*\bused\b).*\bfor\W*$ | ^\W*who\s+(?:is|was)\s+[A-Z]\w+(?:\s+\w+){{0,2}}\W*$
          | \bwhat\s+(?:causes|makes|happen(?:s|ed))\b
        | {_REQUEST}(?:explain|describe)\b | \btell\s+(?:me|us)\s+(?:(?:more|something)\s+)?(?:about|what|why|how)\b
        | \bwhy\b | \bhow\s+(?:do|does|did|is|are)\s+(?!i\b|we\b|you\b|one\b)(?!it\s+take)\w+
    """,
    ScopeKind.ADVICE: r"""
        \bshould\s+(?:i|we)\b | ^\W*should\b | \bbest\s+way\b | \bhow\s+(?:can|could)\s+(?:i|we)\b
        | \b(?:recommend|suggest|advi[cs]e|tips?|ideas?)\b
        | \bwhat\s+(?:could|can|should|shall)\s+(?:i|we)\b | \bis\s+it\s+(?:better|worth|wise)\b
        | \bhow\s+do\s+(?:i|we)\b
    """,
    ScopeKind.YES_NO: r"""
        ^\W*(?:is|are|was|were|am|do|does|did|can|could|will|would|should|shall|has|have|had|may|might|must
          |isn't|aren't)\s+
            (?!you\s+(?:please\s+)?(?:tell|give|write|name|explain|list|show|help|describe|say|send|make)\b)(?!.*\bor\b)
    """,
    ScopeKind.PEOPLE: r"""
        \bwho(?:m|se)?\b | \b(?:which|what)\s+(?:\w+\s+)?(?:painter|writer|author|composer|scientist|inventor
          |singer|actor
            |actress|poet|physicist|chemist|president|king|queen|explorer|philosopher|person|woman|man|doctor
            |player)\b
        | \bfirst\s+(?:woman|man|person|human)\b | \b(?:inventor|author|composer|painter|writer|founder
        |name)s?\s+of\s+(?:the\s+)?\w+
        | \bguest\s+list\b
    """,
    ScopeKind.MESSAGES: rf"""
        {_REQUEST}(?:{_TELL}) | ^{_NO_QUESTION}\W*(?:\w+\s+){{0,3}}?{_LETTER}\b
          (?=\W*(?:(?:to|for|that|of|on|from|about|in|saying|with|my|our|the|i'm)\b|:|,|$))
        | ^{_NO_QUESTION}.*\b(?:write|draft|send|compose|make|prepare|finish|complete|put|leave|type
        |record)\b(?:\W+[\w'-]+){{0,8}}?\W+{_LETTER}\b
        | {_REQUEST}write\s+to\b | \bby\s+e?-?mail\b | \b(?:this|our|my)\s+{_LETTER}\b.*\b(?:not\s+finished
        |lacks|complete|end)
    """,
    ScopeKind.SIGNS: rf"""
        {_REQUEST}label\b |
        ^{_NO_QUESTION}\W*(?:\w+\s+){{0,3}}?{_LABEL}\b
          (?=\W*(?:(?:to|for|that|so|of|on|about|in|saying|with)\b|:|,|$))
        | ^{_NO_QUESTION}.*\b(?:write|make|put|design|draft|need|print|create)\b(?:\W+[\w'-]+){{0,10}}?\W+{_LABEL}\b
        | \bwrite\s+that\s+(?:as|on|for)\b
    """,
    ScopeKind.COMPARISONS: r"""
        \bcompar(?:e|ed|ison)\b | \bdifferences?\b | \b(?:versus|vs)\b | ^\W*[\w\s]{1,40}\s+or\s+[\w\s]{1,40}(?:\?|,)
        | \bwhich\s+is\s+(?:better|\w+er)\b
    """,
    ScopeKind.TRANSLATIONS: r"""
        \btranslat(?:e|ion)\b | \bhow\s+do\s+(?:you|i|we)\s+say\b
        | ['"‘“].+['"’”].*\bin\s+(?:\w+ish|german|french|italian|portuguese|russian|chinese|japanese|greek
        |latin|arabic|dutch|czech|hindi)\b
    """,
    ScopeKind.CODE: r"""
        \b(?:python|java|javascript|sql|html|css|git|linux|bash|shell|terminal|regex|docker|command\s+line
          |script|json|yaml
            |c\+\+|rust|unix|folders?|director(?:y|ies))\b(?!.*\bbeach\b) | \b(?:command|function|code)\s+(?:to
            |for|that|which|copies|deletes)\b | \bwhich\s+command\b
    """,
    ScopeKind.TALK: r"""
        ^\W*(?:hello|hi|hey|good\s+(?:morning|afternoon|evening|night|day)|thanks|thank\s+you|good\s*bye|bye|see\s+you)\b
            (?!\s+in\s+\w+)
        | ^\W*(?:how\s+are\s+you|who\s+(?:am\s+i|are\s+you)|(?:what's|what\s+is|do\s+you\s+know)\s+(?:my|your)\s+name
          |say\s+(?:hello|hi)\s+to\s+me|greet\s+me)\b
    """,
    ScopeKind.TEXTS: rf"""
        {_REQUEST}{_WRITE}\b | ^{_NO_QUESTION}(?!.*\b(?:asks|says|money|form|shows)\b)[\w\s,'’-]{{3,40}}:\s
    """,
}
_SEARCHED = {kind: re.compile(f"(?:{sign})", re.IGNORECASE | re.VERBOSE) for kind, sign in _SIGNS.items()}

_AMONG: dict[ScopeKind, tuple[ScopeKind, ...]] = {
    ScopeKind.TEXTS: (ScopeKind.TEXTS, ScopeKind.MESSAGES, ScopeKind.SIGNS),
    ScopeKind.MEASURES: (ScopeKind.MEASURES, ScopeKind.LENGTHS),
    ScopeKind.EXPLANATIONS: (ScopeKind.EXPLANATIONS, ScopeKind.DEFINITIONS),
}
_OPEN = (ScopeKind.EXPLANATIONS, ScopeKind.DEFINITIONS, ScopeKind.STEPS, ScopeKind.ADVICE)
# What is asked to be long, listed, turned into other words or reckoned is no question whose answer has a free form.
_NOT_ASKED = re.compile(
    rf"{_REQUEST}(?:list|translate|calculate|compute|correct|spell|count|sort|write\s+out"
    r"|give\s+me\s+(?:\w+teen|\w+ty)\b)"
    r"|\b(?:packing|shopping|guest|to-?do)\s+list\b|\btell\s+(?:me\s+)?an?\s+(?:\w+\s+)?(?:joke|story|tale|riddle)"
    r"|step\s+by\s+step|\bin\s+(?:full\s+)?detail|\bfully\b|\bas\s+richly|\bseveral\s+examples"
    r"|\blong\b.*\b(?:story|joke|letter|text)",
    re.IGNORECASE,
)
_DESCRIBE = re.compile(rf"{_REQUEST}describe\b", re.IGNORECASE)


def asks_for(question: str, kind: ScopeKind) -> bool:
    """Whether the question asks for an answer of this kind. Every question is like itself: LIKE is never asked for."""
    if kind in (ScopeKind.EVERY, ScopeKind.LIKE):
        return kind is ScopeKind.EVERY
    if kind is ScopeKind.QUESTIONS:
        described = _DESCRIBE.search(question) is not None
        return not _NOT_ASKED.search(question) and (described or not asks_for(question, ScopeKind.TEXTS))
    if kind in (ScopeKind.OPEN, ScopeKind.FACTS):
        is_open = any(_SEARCHED[one].search(question) for one in _OPEN)
        return asks_for(question, ScopeKind.QUESTIONS) and is_open == (kind is ScopeKind.OPEN)
    return any(_SEARCHED[one].search(question) for one in _AMONG.get(kind, (kind,)))
