"""English numbers below a thousand, as digits and in words: '45' and 'forty-five' say the same."""

from __future__ import annotations

from collections.abc import Sequence

_SMALL = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spell(number: int) -> str:
    """A number from 0 to 999 in words: 145 is 'one hundred forty-five'."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, units = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_SMALL[units]}" if units else "")
    hundreds, rest = divmod(number, 100)
    return f"{_SMALL[hundreds]} hundred" + (f" {spell(rest)}" if rest else "")


# By their words; 'one hundred and five' beside 'one hundred five'.
_VALUES = {
    tuple(text.replace("-", " ").split()): number
    for number in range(1_000)
    for text in (spell(number), spell(number).replace("hundred ", "hundred and "))
}
NUMBER_WORDS = frozenset(word for words in _VALUES for word in words) - {"and"}


def leading_number(words: Sequence[str]) -> tuple[int, int] | None:
    """The number in words that a phrase begins with, and how many words it takes; None where there is none."""
    for length in range(min(len(words), 5), 0, -1):
        value = _VALUES.get(tuple(words[:length]))
        if value is not None:
            return value, length
    return None


def other_spelling(words: Sequence[str]) -> str | None:
    """A phrase that begins with its only number, with that number spelt the other way; None for any other phrase.

    'forty-five days' for ('45', 'days') and '45 days' for ('forty', 'five', 'days').
    """
    first = words[0]
    if first.isascii() and first.isdecimal() and len(first) <= 3 and str(int(first)) == first:
        spelt, length = spell(int(first)), 1
    elif found := leading_number(words):
        spelt, length = str(found[0]), found[1]
    else:
        return None
    rest = words[length:]
    if any(word[0].isdigit() or word in NUMBER_WORDS or not word.isascii() for word in rest):
        return None
    return " ".join((spelt, *rest))
