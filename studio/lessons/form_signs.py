"""The words by which a remark tells how to write, as against what is so: a table, for studio.lessons.remarks.

Many of these words are said of the world as well: keys are put, doors open, clubs have names and forms are signed. So a
verb counts only with an object that exists in writing, and some signs only where the question leaves no doubt.
"""

from __future__ import annotations

import re

_COUNTED = (
    r"(?:an?|one|a\s+single|two|three|four|five|six|seven|eight|nine|ten|a?\s*dozen|eleven|twelve|thirteen|fifteen|twenty"
    r"|\d+)"
)
_UNITS_OF_TEXT = r"(?:short\s+)?(?:words?|sentences?|lines?|paragraphs?|characters?)"
# What is in texts alone: the verb before it need not be one of writing.
_MARKS = (
    r"(?:emojis?|smileys?|exclamation\s+marks?|quotation\s+marks|(?:double|single)\s+quotes|full\s+stops?|bullets?"
    r"|bullet\s+(?:points?|lists?)|backticks|asterisks|hashes|markdown|capital\s+letters|all\s+caps|lower[\s-]*case|upper[\s-]*case"
    r"|decimals?|hyphens?|dash(?:es)?|slashes|commas?|contractions|abbreviations?|jargon|slang|technical\s+terms|adjectives?"
    r"|full\s+sentences?|whole\s+sentences?|sentences?|(?:simple|plain|everyday)\s+(?:words?|language|english)"
    r"|(?:past|present)\s+tense|(?:third|first)\s+person|active\s+voice|small\s+talk|filler|preambles?|pleasantries|metric"
    r"|celsius|imperial|(?:british|american|us|uk)\s+(?:english|spelling)|iso\s+dates?|(?:24|12|twelve|twenty-four)[\s-]hour)"
)
# What is in answers and in the world: people have names, and a date is put on a jar. It counts where nothing follows
# but how it is to be written.
_VALUES = (
    r"(?:key\s*words?|words?|titles?|(?:full\s+|first\s+|last\s+)?names?|surnames?|units?|numbers?|dates?|prices?|years?|sources?|sums?"
    r"|amounts?|answers?|results?|reasons?|figures?|currency|thousands|times|weekdays?|fractions?|digits|lists?|explanations?|greetings?"
    r"|examples?|headlines?|(?:numbered\s+)?steps)"
)
_HOW = (
    r"(?:\s+of\s+(?:[\w,]+\s+){0,4}?[\w,]+)?(?=\W*$|\W*[.;:(=*\"“]|\s+(?:as|like|between|before|after|behind|first|last|with|without"
    r"|please|only|too|always|every)\b|\s+in\s+(?:words|digits|letters|full|front|brackets|bold|italics|capitals|the\s+form)\b"
    r"|\s+at\s+the\s+(?:very\s+)?(?:end|beginning|start)\b|\s+to\s+(?:an?\s+whole|two|one|the\s+nearest)\b)"
)
_ARTICLES = r"(?:(?:the|an?|every|all|each|any|both|your|our|no|more|so\s+many|important|main|most|key|right)\s+)*"
_OBJECT = rf"{_ARTICLES}(?:{_MARKS}|{_VALUES}{_HOW})(?!\w)"
_TOLD = (
    r"(?:\b(?:always|never|please|pls|should|must|don'?t|do\s+not|stop)\s+(?:\w+\s+){0,2}?"
    r"|^\W*(?:please\s+|pls\s+|just\s+|only\s+)?)"
)
# Of the world, where they come after 'say' or 'write': 'write your name on the list', 'never say it at the door'.
_NO_TEXT = (
    r"(?!\s+(?:(?:it|that|this|them)\s+(?:down|in|on|at|into|to|before|when)|your|my|his|her|their|to|for|down|on)\b)"
)
_LEFT_OUT = (
    r"(?:greetings?|preambles?|intro(?:duction)?s?|conclusions?|small\s+talk|apolog\w+|abbreviations?|filler|adjectives?|explanations?"
    r"|cents|pennies|decimals|seconds|years?|articles|pleasantries|capital\s+letters|detail|jargon|disclaimers?|emojis?)"
)
_ONLY = (
    r"(?:word|name|number|answer|date|price|amount|result|year|time|code|commands?|translation|title|figure|essentials"
    r"|yes\s+(?:or|and)\s+no|yes/no|one\s+word)"
)
_NOTHING_MORE = r"(?=\W*$|\W*[.,;:!]|\s+(?:please|pls|and|no|not|nothing|with|in|as|then|first)\b)"

# Signs that hold whatever was asked.
_SURE = (
    # How long. 'In two lines' is of text; 'at most 14 days' is not.
    rf"\b(?:in|to|with|within|under|over|only|just|exactly|than|most|more|max(?:imum)?\W+(?:of\s+)?)\s*{_COUNTED}\s+{_UNITS_OF_TEXT}",
    rf"\b{_COUNTED}\s+{_UNITS_OF_TEXT}(?=\W*(?:or\s+(?:fewer|less)|only|at\s+most|max|tops|is\s+the|not|no|on\s+the|always|$))",
    r"\b(?:one|two|three)[\s-]word\s+answers?|^\W*(?:one|just)\s+(?:word|sentence)\b|\b(?:words?|lines?)\s+limit\b",
    r"^\W*(?:(?:it|this|that)(?:'s|\s+is|\s+was)\s+)?(?:much\s+|far\s+|way\s+|a\s+bit\s+|even\s+)*(?:too\s+(?:long|wordy|short)|shorter|briefer)\b",
    (
        r"\bsay\s+it\s+short(?:ly)?\b|\bmore\s+briefly\b|\bin\s+brief\b|\bbe\s+brief\b|\bconcise(?:ly)?\b|\bheadlines?\s+short\b"
        r"|\b(?:make|keep|say)\s+(?:it|this|answers?|them)\s+(?:\w+\s+)?short(?:er)?\b"
    ),
    # Nothing but what was asked for.
    rf"\b(?:just|only)\s+(?:give\s+(?:me\s+)?)?(?:the\s+|a\s+)?{_ONLY}{_NOTHING_MORE}|\b{_ONLY}\s+only{_NOTHING_MORE}",
    rf"\b(?:no|without|skip|drop|leave\s+out|omit|avoid|fewer|less)\s+(?:the\s+|any\s+|your\s+)?{_LEFT_OUT}\b",
    r"\b(?:repeat|restat|echo)(?:e|ing)?\s+(?:the|my)\s+question\b|\bpercentages\s+with\b",
    r"^\W*(?:one|two|three)(?:\s+\w+)?\s+(?:is|are)\s+enough\b",
    # Marks, layout, and how values are written.
    (
        r"\b(?:as|in|with)\s+(?:an?\s+)?(?:iso|bullets?|bullet\s+points|(?:numbered\s+)?lists?|tables?|capitals?|json|brackets|words|letters"
        r"|digits|numbers|bold|italics|quotes|a\s+dash|the\s+(?:third|first)\s+person|(?:upper|lower)[\s-]*case)\b|^\W*(?:in\s+)?bold\b"
        r"|\b(?:as|in|with|to)\s+\w+\s+(?:decimals|digits|letters|brackets|asterisks)\b|\bin\s+\"\.|\(\w+\)\s+(?:behind|after)\b"
    ),
    rf"(?:\b(?:no|with|in|as|without|use|using|to|an?|the|of|are|need|{_COUNTED})\s+(?:\w+\s+)?|^\W*){_MARKS}(?!\w)",
    r"\bno\s+(?:digits|capitals?|cents|percentages|full\s+names|intro|conclusion|stars|hashes|bullets|%|!|th\b)|\bnever\s+\S+\s+!",
    (
        r"\b(?:iso\s+form|yyyy\S*|24[\s-]?h\b|metric|lower[\s-]?case|all\s+caps|backticks|asterisks|emojis?|smileys?|jargon|contractions"
        r"|exclamation\s+marks?|quotation\s+marks|capital\s+letters|bullet\s+(?:points?|list)s?|plain\s+(?:words|text)|everyday\s+words)(?!\w)"
    ),
    r"\b(?:24|12|twelve|twenty-four)[\s-]hour\s+(?:clock|times?|format)\b|\bam\s+(?:or|and|/)\s+pm\b|\byear\W+month\W+day\b|\bday\W+month\s",
    (
        r"\bwhole\s+(?:dollars|euros|pounds|units|numbers)\b|\b(?:to\s+the\s+)?nearest\s+(?:ten|hundred|thousand|whole|euro|dollar|\d+)\b"
        r"|\bround(?:ed)?\s+(?:the\s+)?(?:every|all|sums?|prices?|numbers?|amounts?|figures?|results?|totals?|please)\b|\brounded\s+to\b"
    ),
    (
        r"\balphabetical(?:ly)?\b|\bnumber\s+(?:them|these|the\s+steps)\b|\bnumbered\s+(?:steps?|lines?|list)\b|^\W*abbreviate\b"
        r"|\babbreviated\b|\bin\s+front\W*$"
    ),
    # Language and spelling: of the answers, and not of one name.
    (
        r"^\W*(?:please\s+)?spell\b|\b(?:we|please|always|never)\s+spell\b|\b(?:british|american|english|us|uk)\s+spelling\b"
        r"|\bspell(?:ed|ing)?\s+(?:it\s+)?(?:the\s+\w+\s+way|out)\b"
    ),
    r"\b(?:answer|reply|write|respond|talk|speak)\s+(?:\w+\s+)?(?:in\s+)?[a-z]+(?:ish|man|ian|ench|ese|utch)\b",
    r"\b(?:add|give|with|how)\b.*\b(?:pronunciation|pronounced)\b|\+\s*pronunciation\b",
    r"\brhym(?:es?|ing)\b|\b(?:simple|plain)\s+(?:words?|language)\b|\b(?:past|present)\s+tense\b|\bwrite\s+what\s+people\s+said\b",
    (
        r"\b(?:explain|say|answer|write|reply|put\s+it)\s+(?:\w+\s+)?(?:simply|plainly|briefly|politely)\b"
        r"|^\W*(?:more\s+|very\s+)?(?:simply|plainly|briefly|politely)\W*$|^\W*explain\s+(?:it\s+|this\s+)?(?:like|as|so)\b"
    ),
    r"\b(?:more|less|too)\s+(?:\w+\s+)?(?:polite|formal|informal|casual|chatty|friendly|serious|enthusiastic|humou?r)\b|^\W*friendlier\b",
    # Words for words.
    (
        r"\b(?:i|we)\s+(?:say|write|spell)\s+.+\s+not\b|\b(?:say|write)\s+['\"‘“].+['\"’”],?\s+(?:and\s+)?not\b"
        r"|\b(?:with|say|use|end|start|begin|finish)\s+['\"‘“]\w+[^'\"]*['\"’”]"
    ),
    (
        r"\b(?:put|add)\s+['\"‘“]|\bthe\s+(?:word|phrase)\s+['\"‘“]"
        r"|\b(?:never|don'?t|do\s+not|stop)\s+(?:say(?:ing)?|writ(?:e|ing)|us(?:e|ing)|start(?:ing)?\s+with|begin(?:ning)?\s+with)\s+['\"‘“]"
    ),
    # Verbs of writing, told as a rule.
    rf"\b(?:always|never|please|don'?t|do\s+not)\s+(?:\w+\s+)?(?:write|spell|format|rhyme){_NO_TEXT}\b",
    (
        r"\b(?:always|never|please|don'?t|do\s+not)\s+(?:answer|reply|explain|say)(?=\W*$|\s+(?:me\s+)?(?:in|as|with|like|without|only|just"
        r"|more|so|sorry|please)\b|\s+the\s+\w+\s+first\b|\s+\w+ly\b|\s+['\"‘“])"
    ),
    (
        rf"^\W*(?:(?:please|pls)\W+)?(?:write|format){_NO_TEXT}\b|^\W*(?:answer\s+in|define|abbreviate|talk\s+(?:to\s+me\s+)?like|keep\s+it\s+"
        r"(?:\w+\s+)?(?:friendly|chatty|simple|casual|formal))\b|^\W*separate\s+(?:the\s+)?(?:thousands|items|words|numbers|digits)\b"
    ),
    r"\b(?:dates?|times|names?|numbers?|amounts?|prices?|sums)\s+(?:of\s+\w+\s+)?(?:are|is)\s+written\b",
)
# Signs that are said of things as well: not where the user asks about a world of their own, unless for a text.
_LOOSE = (
    (
        rf"{_TOLD}(?:write|say|use|start\s+with|begin\s+with|end\s+with|answer\s+with|give|put|set|sign|add|call|keep|include|mention|mark"
        rf"|name|cite|state|skip|show)\s+{_OBJECT}"
    ),
    (
        r"\b(?:always|please|every|each|all|any|never|messages?|answers?|repl(?:y|ies)|mails?|e-?mails?|letters?|notes?|cards?|posts?)\b"
        r".*?\b(?:start|begin|end|finish|close|open)s?\s+(?:\w+\s+){0,3}?with\b|^\W*(?:start|begin|end|finish|close|open)\s+(?:\w+\s+){0,3}?with\b"
        r"|^\W*(?:\w+\s+)?\w+s\s+(?:start|begin|end|finish)\s+(?:\w+\s+){0,3}?with\b|^\W*round\b|^\W*use\s+(?:\w+\s+)?english\b"
    ),
    (
        r"\b(?:say|put|add)\s+(?:\S+\s+){1,3}(?:at\s+the\s+(?:very\s+)?(?:end|beginning|start)|in\s+front)\b|\bsign(?:ed|s)?[\s-]+off\b"
        r"|^\W*(?:please\s+)?sign(?:ed)?\s+(?:as|with)\b"
    ),
    (
        r"\b(?:surname|day|month|year|metric|answer|reason|result|name|number|verdict|date|conclusion)\s+(?:first|1st)\b|\blast\s+name,"
        r"|\bfirst\s+the\s+(?:answer|reason|result)\b|\b(?:first|1st|reason|answer|result),?\s+then\b"
        r"|\b(?:before|after|behind)\s+the\s+(?:amount|number|name|sum|figure|price|unit)s?\W*$"
    ),
    (
        r"\b(?:polite(?:ly)?|formal(?:ly)?|informal(?:ly)?|casual(?:ly)?|chatty|friendly|courteous(?:ly)?|tone|wording|family[\s-]friendly)\b"
        r"|\bneed\s+an?\s+(?:please|thanks)\b"
    ),
    r"^\W*(?:please\s+)?(?:say|write)\s+\S+?,\s+(?:and\s+)?not\s+\S+\W*$",
)
# In a text to be written, whatever is told of how it is made is of writing: 'Sign it Kit', 'Always mention the raffle'.
_OF_A_TEXT = (
    (
        r"(?:\b(?:always|never|please|pls|don'?t|do\s+not|must)\s+(?:\w+\s+)?|^\W*)(?:sign|start|begin|end|finish|close|open|address|mention"
        r"|include|add|say|write|call|spell|rhyme|use|greet|sound)\b"
    ),
    r"\b(?:nicer|kinder|warmer|friendlier|funnier|humou?r(?:ous)?|softer|livelier)\b|\bpresent\s+tense\b",
)
# Lengths and languages as they are said elsewhere: what is asked in another language is known by no other words here.
_ELSEWHERE = (
    (
        r"\b(?:höchstens|maximal|max\.?|nur|genau|in)\s+(?:ein(?:em|en)?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf|zwanzig|\d+)"
        r"\s+(?:kurzen?\s+)?(?:wort|worten?|wörtern?|satz|sätzen?|zeilen?)\b|\b(?:bitte|immer)\s+(?:sehr\s+)?(?:kurz|knapp)(?:er)?\b"
        r"|\b(?:antworte|schreib)e?\s+(?:\w+\s+)?(?:kurz|knapp|auf|in)\b|^\W*(?:zu\s+lang|kürzer|kürzere\s+antwort\w*)\b"
    ),
    (
        r"\ben\s+(?:\w+|\d+)\s+(?:mots?|phrases?|palabras?|frases?)\b|\b(?:mots?|phrases?)\s+(?:au\s+)?max(?:imum)?\b|\bmáximo\s+\w+\s+palabras\b"
        r"|^\W*(?:plus\s+court|más\s+corto|trop\s+long|demasiado\s+largo)\b"
    ),
)


def _any_of(signs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{sign})" for sign in signs), re.IGNORECASE)


SURE, LOOSE, OF_A_TEXT = _any_of((*_SURE, *_ELSEWHERE)), _any_of(_LOOSE), _any_of(_OF_A_TEXT)
