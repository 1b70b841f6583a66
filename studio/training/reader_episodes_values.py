"""Families filled in: templates and rows, with values changed by the seed so that none is worth learning by heart."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, str]

VALUE, WRONG = "value", "wrong"
"""The slots of what is asked for, and of a plausible other one."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
NAMES = (
    *("Adaeze", "Bartosz", "Chiara", "Dilnoza", "Eskil", "Fenna", "Gwilym", "Hamza", "Ioana", "Jelle", "Kalinda"),
    *("Lautaro", "Mbali", "Nikos", "Oluchi", "Petra", "Quim", "Rasmus", "Saoirse", "Tadeo", "Umut", "Veerle"),
    *("Wanjiru", "Xiomara", "Yannick", "Zofia", "Arlo", "Brisa", "Corin", "Delphi", "Embla", "Farouk", "Greta"),
    *("Harlow", "Ilmar", "Juno", "Kestrel", "Linnet", "Marlow", "Nettle", "Osprey", "Plover", "Quince", "Rowan"),
    *("Sorrel", "Teal", "Umber", "Vesper", "Willow", "Yarrow", "Zephyr", "Alder", "Bramble", "Cobalt", "Drake"),
)
_SLOT = re.compile(r"\{(\w+)\}")
_CODE = re.compile(r"\w[_/:=]\w")
_SENTENCE_START = re.compile(r"(?:^|[.!?]\s+)$")
# What is changed, the first that matches: a time, a weekday, a month, a letter as a code, a name, a number.
_CHANGEABLE = re.compile(
    rf"""(?P<time>\b\d{{1,2}}:\d\d\b)
    | (?P<weekday>\b(?:{"|".join(WEEKDAYS)})\b)
    | (?P<month>\b(?:{"|".join(_MONTHS)})\b)
    | (?P<letter>\b[B-HJ-Z]\b)
    | (?P<name>(?<=[a-z]\s)[A-Z][a-z]{{3,}}\b)
    | (?P<number>\d+)""",
    re.VERBOSE,
)


def fill(template: str, row: Row) -> str:
    """The template with its slots filled; a value that begins a sentence begins with a capital, unless it is code."""

    def value(slot: re.Match[str]) -> str:
        text = row[slot[1]]
        begins = _SENTENCE_START.search(template[: slot.start()]) and not _CODE.search(text)
        return capitalised(text) if begins else text

    return _SLOT.sub(value, template)


def capitalised(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def slots(templates: Iterable[str]) -> set[str]:
    """The names of all slots used."""
    return {name for template in templates for name in _SLOT.findall(template)}


def told_vaguely(row: Row, draw: random.Random) -> Row:
    """The row as somebody says it who takes for granted what is spoken of."""
    told = dict(row)
    for slot in sorted(row.keys() - {VALUE, WRONG}):
        last = row[slot].split(" ")[-1]
        named = " " in row[slot] and last.isalpha() and draw.random() < 0.5
        told[slot] = f"the {last}" if named else draw.choice(("this one", "that one", "mine", "the usual", "ours"))
    return told


def changed_row(family: Mapping[str, Any], used: Sequence[str], draw: random.Random) -> Row:
    """A row of the family for the templates `used`, its value that of any row, and changed besides.

    Where the templates also compare with other slots ('before', 'late'), what is true depends on the value: then the
    row is taken as it is.
    """
    row: Row = draw.choice(family["rows"])
    subject = slots(family["ask"]) - {VALUE, WRONG}
    if VALUE not in row or not slots(used) <= subject | {VALUE, WRONG}:
        return row
    value = changed(draw.choice(family["rows"])[VALUE], draw)
    others = [other[slot] for other in family["rows"] for slot in (VALUE, WRONG) if slot in other]
    wrong = changed(row.get(WRONG, draw.choice(others)) if draw.random() < 0.5 else draw.choice(others), draw)
    while wrong.casefold() == value.casefold():
        wrong = draw.choice(others)
    return {**row, VALUE: value, WRONG: wrong}


def changed(value: str, draw: random.Random) -> str:
    """The value with other numbers, times, days, letters and names."""
    changes: dict[str, Callable[[str], str]] = {
        "time": lambda _: f"{draw.randrange(24)}:{draw.randrange(0, 60, 5):02}",
        "weekday": lambda _: draw.choice(WEEKDAYS),
        "month": lambda _: draw.choice(_MONTHS),
        "letter": lambda _: draw.choice("BCDEFGHJKLMNPQRSTUVWXYZ"),
        "name": lambda _: draw.choice(NAMES),
        "number": lambda digits: _other_number(digits, draw),
    }

    def change(found: re.Match[str]) -> str:
        return changes[found.lastgroup or ""](found[0])

    return _CHANGEABLE.sub(change, value)


def _other_number(digits: str, draw: random.Random) -> str:
    """As many digits; a leading zero stays one, and small numbers stay below 29, for they may be a day."""
    if len(digits) <= 2 and not digits.startswith("0"):
        return str(draw.randint(1, 9) if len(digits) == 1 else draw.randint(10, 28))
    first = digits[0] if digits[0] == "0" else draw.choice("123456789")
    return first + "".join(draw.choice("0123456789") for _ in digits[1:])
