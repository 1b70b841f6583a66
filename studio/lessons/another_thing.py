"""Whether a question is a lesson's own with another thing in its place: the Hamburg office for the Berlin one.

Vectors hardly tell the two apart: another thing in the same frame is .4 to .8 alike, a synonym there .6 to .95, and
what a lesson says of the one is wrong of the other. So words are compared as well. Measured in docs/lessons.md.
"""

from __future__ import annotations

import regex

from studio.lessons.other_languages import is_english

SAME_FRAME_NEEDS = 0.75
"""How alike a question must be that is the lesson's but for one place: cats and dogs are less, most synonyms more."""
SAME_WORDS_NEED = 0.55
"""How alike where one word is another and the rest stands in whatever order."""
FRAME_WORDS, EXCHANGED_WORDS = 3, 2
"""A frame has at least so many words, and the place in it at most so many that are not small."""

# Where no spaces part them, a character is a word.
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]|[\p{L}\p{N}][\p{L}\p{M}\p{N}]*")
_APOSTROPHE = regex.compile(r"(?<=\p{L})['’](?:s\b)?")
_BEGINS = regex.compile(r"(?:^|[.!?:\n][\"“'‘(]*)\s*$")
_SMALL = frozenset(
    "a an the is are was were be been being am do does did done can could will would shall should may might must"  # noqa: SIM905
    " have has had to of in on at by for from with and or not no if as so then than into about who whom whose what when"
    " where which why how i me my we us our you your he him his she her it its they them their this that these those"
    " here there please tell say give".split()
)


def asks_of_another(question: str, example: str, guidance: str, score: float) -> bool:
    """Whether what a lesson says is of another thing than the question, which is this (`score`) like the lesson.

    So it is where both name something, a name or a number, that the other does not, and else share half their words;
    and where they differ in one place, unless they are alike enough for it to be the same in another word.
    """
    if score < SAME_FRAME_NEEDS and _differ_in_one_place(_words(question), _words(example)):
        return True
    own, other = _content(question), _content(example)
    named = {name for name in _named(question) if not _says(f"{example} {guidance}", name)}
    named_there = {name for name in _named(example) if not _says(question, name)}
    if named and named_there:
        rest, rest_there = own - named, other - named_there
        if 2 * len(rest & rest_there) >= len(rest | rest_there):
            return True
    return len(own - other) == len(other - own) == 1 and bool(own & other) and score < SAME_WORDS_NEED


def _words(text: str) -> list[str]:
    return [match.group() for match in _WORD.finditer(_APOSTROPHE.sub("", text.casefold()))]


def _differ_in_one_place(one: list[str], other: list[str]) -> bool:
    shortest = min(len(one), len(other))
    before = next((i for i in range(shortest) if one[i] != other[i]), shortest)
    after = next((i for i in range(shortest - before) if one[-1 - i] != other[-1 - i]), shortest - before)
    exchanged = [{w for w in text[before : len(text) - after] if w not in _SMALL} for text in (one, other)]
    return (
        before + after >= FRAME_WORDS
        and all(1 <= len(place) <= EXCHANGED_WORDS for place in exchanged)
        and exchanged[0].isdisjoint(exchanged[1])
    )


def _content(text: str) -> set[str]:
    return {word for word in _words(text) if word not in _SMALL}


def _named(text: str) -> set[str]:
    """The numbers of a text and, where it is English and a capital tells them from other words, its names."""
    tokens = [(match.group(), match.start()) for match in _WORD.finditer(text)]
    capital = {word for word, start in tokens if word[0].isupper() and not _BEGINS.search(text[:start])}
    # Where Small Words Have One Too, or in a language in which all nouns have, a capital tells nothing.
    tells = not any(word.casefold() in _SMALL and word != "I" for word in capital)
    names = capital if tells and is_english(text) else set()
    numbers = {word for word, _ in tokens if any(map(str.isdigit, word))}
    return {part for word in names | numbers for part in _words(word) if part not in _SMALL}


def _says(text: str, name: str) -> bool:
    """Whether a text has a name, also with a hyphen or in two words: Wi-Fi, wifi. A number is there whole or not."""
    return name in _words(text) or (name.isalpha() and name in "".join(_words(text)))
