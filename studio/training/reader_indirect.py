"""Families whose rewordings share hardly a word with what was corrected, and the ways they are asked about and used.

Such a family has no rows: its values are drawn by their kind, with a wrong one and, where they can be compared, one
below and one above.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from studio.training.reader_episodes_values import NAMES, VALUE, WEEKDAYS, WRONG, Row, capitalised, fill

PLAIN_QUESTIONS = 3
"""The first of a family's questions, in which somebody might ask what is then corrected."""

_CLAIMED = (
    *("Is it true that {claim}?", "{claim}, right?", "I was told that {claim}. Is that so?", "{claim}. Yes or no?"),
    *("My colleague says that {claim}. Correct?", "Somebody noted that {claim}. Can I rely on it?", "So {claim}?"),
    *("Am I right that {claim}?", "The guide says: {claim}. Does that hold?", "I think {claim}, or am I wrong?"),
)
_COMPARED = (
    *("Two people quarrel about {topic}. One says {value}, the other {wrong}. Who is right?",),
    *("{topic}: {wrong} or {value}?", "Is it {value} or rather {wrong}? I mean {topic}."),
    *("My notes on {topic} have both {value} and {wrong}. Which do I keep?",),
)  # fmt: skip
_WRITTEN = (
    *("Write one line about {topic}.", "Write a short note for the door: {topic}.", "Put {topic} into a text message."),
    *("Tell a newcomer in one sentence about {topic}.", "Write a sentence for our website about {topic}."),
    *("Write a reminder to all about {topic}.", "Draft a notice on {topic}.", "Make a label about {topic}."),
    *("Write a friendly message to a guest about {topic}.", "Answer a letter that asks about {topic}."),
)
_OPENED = ("", "", "", "", "Please note: ", "Dear all, please note: ", "For your information: ", "Hello! ")
_LOWERED = frozenset(["A", "An", "The", "It", "You", "We", "Our", "In", "At", "On", "My", "By"])

_SURNAMES = (
    *("Abara", "Brandt", "Castellan", "Dorji", "Eklund", "Fonseca", "Gatlin", "Haddad", "Ishimura", "Jansson", "Kovar"),
    *("Lindqvist", "Moreau", "Nakata", "Oyelaran", "Pellegrin", "Quist", "Radu", "Solheim", "Tamm", "Ubani", "Varga"),
    *("Wieland", "Xanthos", "Ylinen", "Zapata", "Ashdown", "Birkett", "Crane", "Dunmore", "Everly", "Finch", "Greaves"),
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
_LISTS: Mapping[str, tuple[str, ...]] = {
    "day": (*WEEKDAYS, *(f"every second {day}" for day in WEEKDAYS), *(f"{day} morning" for day in WEEKDAYS)),
    "colour": (
        *("dark green", "orange", "pale blue", "violet", "black and white", "crimson", "mustard yellow", "silver"),
        *("turquoise", "brown", "pink", "white with red dots", "grey", "ivory", "copper red", "striped in blue"),
    ),
    "food": (
        *("walnut bread", "dried figs", "millet with honey", "pickled beetroot", "oat biscuits", "smoked trout"),
        *("chestnut soup", "sesame rolls", "raw carrots", "pumpkin seeds", "rhubarb pie", "sheep's cheese"),
        *("lentils", "poppy cake", "celery", "mango slices", "barley", "red lentil patties", "hazelnuts", "cold plums"),
    ),
    "material": (
        *("horsehair", "linen rag paper", "dried lavender", "sawdust", "sheep's wool", "old burlap", "cotton rag"),
        *("pine needles", "cork crumbs", "mulberry bark", "egg cartons", "rice straw", "walnut shells", "moss"),
        *("recycled felt", "birch bark", "cherry stones", "maize silk", "goose down", "hemp fibre", "tobacco stalks"),
    ),
    "thing": (
        *("a brass compass", "the red umbrella", "orange peel", "an old accordion", "a stuffed owl", "three oars"),
        *("a velvet curtain", "wedding shoes", "a set of knives", "eggshells", "a barrel of herring", "tea bags"),
        *("a silver spoon", "sea charts", "a music box", "walnut leaves", "a hand-blown lamp", "two wooden skis"),
        *("a leather saddle", "a bag of marbles", "a goose, live", "a wicker basket", "love letters"),
    ),
    "animal": (
        *("a goose", "an old donkey", "a pair of peacocks", "the llama", "a one-eyed mastiff", "a swan"),
        *("three guinea fowl", "a bull terrier", "an emu", "a tame crow", "a wild boar", "a hedgehog", "a lynx"),
    ),
    "town": (
        *("Lisbon", "Tallinn", "Dakar", "Valparaiso", "Trieste", "Bergen", "Hobart", "Izmir", "Galway", "Split", "Goa"),
        *("Cadiz", "Odessa", "Nagasaki", "Quebec", "Mombasa", "Bruges", "Palermo", "Riga", "Cartagena", "Tromso"),
    ),
    "word": (
        *("pomelo", "halfmast", "gingham", "abracadabra", "teapot", "windrose", "marzipan", "lanterna", "cucumber"),
        *("October", "barnacle", "velvet", "tamarind", "zigzag", "kettledrum", "paprika", "snowdrop", "bollard"),
    ),
}  # fmt: skip
_PLACES = (
    *("behind", "under", "next to", "on top of", "in front of", "to the left of", "just past", "above", "beside"),
)
_LANDMARKS = (
    *("the blue door", "the water tank", "the stairs", "the dried-up fountain", "the green cupboard", "the mailbox"),
    *(
        "the old pump",
        "the big chestnut",
        "the coat hooks",
        "the kitchen window",
        "the piano",
        "the statue of the bear",
    ),
    *(
        "the second pillar",
        "the linen basket",
        "the ticket machine",
        "the barometer",
        "the woodpile",
        "the church gate",
    ),
)
# The unit after a number, and between what and what it lies.
_MEASURES: Mapping[str, tuple[tuple[str, int, int], ...]] = {
    "amount": (("euros", 3, 90), ("pounds", 3, 90), ("crowns", 20, 400), ("dollars", 3, 90), ("francs", 4, 120)),
    "count": (("", 3, 60),),
    "percent": (("percent", 5, 75),),
    "duration": (("days", 2, 30), ("weeks", 2, 20), ("hours", 2, 40), ("months", 2, 30), ("minutes", 5, 90)),
    "degrees": (("degrees", 18, 98),),
    "tonnes": (("tonnes", 2, 40),),
    "metres": (("metres", 2, 70),),
    "megahertz": (("megahertz", 87, 108),),
    "wind": (("metres a second", 8, 30), ("knots", 15, 60), ("kilometres an hour", 30, 95)),
    "hertz": (("hertz", 412, 466),),
}


def drawn_row(kind: str, draw: random.Random) -> Row:
    """A value of that kind with a wrong one, and those it can be compared with."""
    if kind in _MEASURES:
        return _measured(*draw.choice(_MEASURES[kind]), draw)
    if kind == "time":
        hour, minute = draw.randrange(6, 22), draw.randrange(0, 60, 5)
        return {
            VALUE: f"{hour}:{minute:02}",
            WRONG: f"{draw.choice([other for other in range(5, 24) if other != hour])}:{draw.randrange(0, 60, 5):02}",
            "earlier": f"{hour - draw.randint(1, 4)}:{draw.randrange(0, 60, 5):02}",
            "later": f"{hour + draw.randint(1, 2)}:{draw.randrange(0, 60, 5):02}",
        }
    value = _VALUES[kind](draw)
    while (wrong := _VALUES[kind](draw)).casefold() == value.casefold():
        pass
    return {VALUE: value, WRONG: wrong}


def _measured(unit: str, least: int, most: int, draw: random.Random) -> Row:
    number = draw.randint(least, most)
    less, more = draw.randint(max(1, number // 3), number - 1), number + draw.randint(1, max(2, number // 2))
    return {
        name: f"{value} {unit}".strip()
        for name, value in ((VALUE, number), (WRONG, draw.choice((less, more))), ("less", less), ("more", more))
    }


def _ordinal(draw: random.Random) -> str:
    number = draw.randint(1, 28)
    return f"{number}{'th' if 10 < number < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _code(draw: random.Random) -> str:
    letters = "".join(draw.choice("ABCDEFGHKLMNPRSTUVXYZ") for _ in range(draw.randint(1, 3)))
    digits = "".join(draw.choice("0123456789") for _ in range(draw.randint(2, 5)))
    return draw.choice((digits, f"{letters}-{digits}", f"{letters}{digits}", f"{draw.choice(_LISTS['word'])}{digits}"))


_VALUES: dict[str, Callable[[random.Random], str]] = {
    "person": lambda draw: f"{draw.choice(NAMES)} {draw.choice(_SURNAMES)}",
    "date": lambda draw: f"{draw.randint(1, 28)} {draw.choice(_MONTHS)}",
    "phone": lambda draw: draw.choice(("0{}{} {}{}{}", "{}{}{} {}{}", "extension {}{}")).format(
        *(draw.randint(1, 99) for _ in range(5))
    ),
    "place": lambda draw: f"{draw.choice(_PLACES)} {draw.choice(_LANDMARKS)}",
    "ordinal": _ordinal,
    "code": _code,
    **{kind: lambda draw, words=words: draw.choice(words) for kind, words in _LISTS.items()},  # type: ignore[misc]
}


def conclusion(family: Mapping[str, Any], answer: str, draw: random.Random) -> tuple[str, str, Row]:
    """A question whose answer follows from `answer`, a template, with that answer and the row that fills both."""
    row = drawn_row(family["values"], draw)
    uses, kind = family.get("onehop", ()), draw.random()
    if uses and kind < 0.35:
        use = draw.choice(uses)
        return fill(use["q"], row), fill(use["a"], row), row
    if kind < 0.85:
        true = draw.random() < 0.5
        claim = family["claim"].replace("{x}", row[VALUE] if true else row[WRONG])
        question = _told(draw.choice(_CLAIMED), claim=claim)
        return question, f"{'Yes' if true else 'No'}, {_lowered(fill(answer, row))}", row
    return (
        _told(draw.choice(_COMPARED), topic=family["topic"], value=row[VALUE], wrong=row[WRONG]),
        fill(answer, row),
        row,
    )


def writing(family: Mapping[str, Any], answer: str, draw: random.Random) -> tuple[str, str, Row]:
    """A small text to write with the fact in it, the text, and the row that fills both."""
    row = drawn_row(family["values"], draw)
    opening, said = draw.choice(_OPENED), fill(answer, row)
    text = f"{opening}{_lowered(said)}" if opening.endswith(": ") else f"{opening}{said}"
    return _told(draw.choice(_WRITTEN), topic=family["topic"]), text, row


def _told(template: str, **parts: str) -> str:
    """The template filled; one written in haste keeps its small letters."""
    text = template.format(**parts)
    return text if template[:1].islower() else capitalised(text)


def _lowered(sentence: str) -> str:
    """A sentence to go on with after a comma: a name, a number and a code keep their capital."""
    first = sentence.split(" ", 1)[0]
    return sentence[:1].lower() + sentence[1:] if first in _LOWERED else sentence
