"""Distilling: the user's own words, filed as fact or style."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio.domain.checks import Check
from studio.domain.lessons import LessonKind
from studio.domain.log import Correction
from studio.lessons.distil import distil, kind_of, lesson_keys

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def correction(
    prompt: str, corrected: str, *, original: str = "I do not know.", rationale: str = "", feedback: str = ""
) -> Correction:
    return Correction("c1", prompt, corrected, original, NOW, Check(), rationale=rationale, feedback=feedback)


def test_a_fact_is_kept_word_for_word() -> None:
    lesson = distil(correction("When do we sing?", " On Wednesdays {{ x }} [bold]. "), lesson_id="l1", at=NOW)
    assert (lesson.kind, lesson.guidance) == (LessonKind.FACT, "On Wednesdays {{ x }} [bold].")
    assert (lesson.example_question, lesson.example_answer) == ("When do we sing?", "On Wednesdays {{ x }} [bold].")
    assert lesson.source_ids == ("c1",)
    assert lesson_keys(lesson) == ("When do we sing?", "When do we sing? On Wednesdays {{ x }} [bold].")


def test_a_style_is_told_in_the_users_own_words_with_the_correction_as_example() -> None:
    rule = "Notes to the singers always end with 'Sing well'."
    lesson = distil(correction("Write a note.", "Bring pencils. Sing well", rationale=rule), lesson_id="l1", at=NOW)
    assert (lesson.kind, lesson.guidance) == (LessonKind.STYLE, rule)
    assert lesson.example_answer == "Bring pencils. Sing well"


def test_a_long_question_gives_a_short_title_of_one_line() -> None:
    lesson = distil(correction("Tell me\nwhy " + "so " * 100, "Because."), lesson_id="l1", at=NOW)
    assert len(lesson.title) <= 72
    assert "\n" not in lesson.title
    assert lesson.title.endswith("…")


@pytest.mark.parametrize(
    "remark",
    [
        "Always write dates as ISO dates.",
        "shorter please",
        "say it shortly",
        "Start every answer with the price.",
        "We sign off with our first names.",
        "Answer in one sentence.",
        "never use exclamation marks",
        "as bullet points",
        "More polite.",
        "Times of day are written with 24 hours and a colon.",
        "fifteen words at most",
        "We say 'guests', not 'customers'.",
        "No greeting, please.",
        "Amounts with two decimals.",
        "Don't repeat the question.",
        "Just give me the result.",
        "Say Ahoy, not Hello.",
        "Call me Jo.",
        "Max. drei Wörter.",
        "Réponds en trois mots.",
        "It should be one sentence.",
    ],
)
def test_remarks_about_form_make_a_style(remark: str) -> None:
    assert kind_of(correction("Q?", "A.", feedback=remark)) is LessonKind.STYLE


@pytest.mark.parametrize(
    "remark",
    [
        "",
        "We always close at six on Fridays.",
        "The hall is never free on Mondays.",
        "It starts at nine.",
        "45 days",
        "Later ones are shorter.",
        "Never put glass in it.",
        "Never use vinegar, it ruins the seals.",
        "You should always use rye.",
        "Please don't put parcels in it.",
        "It must never be put in the bottle bank.",
        "You should call Marta once it rings.",
        "Everyone must answer the roll call there.",
        "The doors open at ten with the bell.",
        "Her name was spelled wrong.",
        "That's how it is pronounced.",
    ],
)
def test_remarks_about_the_world_make_a_fact(remark: str) -> None:
    assert kind_of(correction("Q?", "A.", rationale=remark)) is LessonKind.FACT


def test_the_users_label_decides() -> None:
    told = correction("When?", "At ten.", rationale="Always write times like 10:00.")
    assert kind_of(replace(told, labels=("hours", "Fact"))) is LessonKind.FACT
    assert kind_of(replace(told, rationale="", labels=("style",))) is LessonKind.STYLE


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("What does a ticket cost?", "Prices went up in May."),
        ("What does a ticket cost?", "use the 2026 price list"),
        ("What time do we open?", "The clock in the hall is slow."),
        ("How do I get a key?", "The instructions are in the drawer."),
        ("How many chairs are in the hall?", "The number on the list is old."),
        ("When is the exam?", "The first of May is a holiday."),
        ("Where do notes go?", "Notes go in the red box."),
        ("How tall is the tower?", "It got a new spire, six metres more."),
    ],
)
def test_a_reason_that_speaks_of_prices_or_dates_is_no_rule_for_writing_them(question: str, remark: str) -> None:
    assert kind_of(correction(question, "A.", rationale=remark)) is LessonKind.FACT


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("Where do I put the ink cartridges?", "You should put them in the box, the supplier takes them back."),
        ("What does our cat eat?", "Never give her milk."),
        ("What goes on the compost heap?", "Please never put citrus on it."),
        ("How do I end a shift in the app?", "You must end it yourself, it never ends by itself."),
        ("When does the swimming class begin?", "They begin with a warm-up at a quarter to five."),
        ("How do you spell our landlord's surname?", "It's spelled with an a and an i."),
        ("Who signs off timesheets?", "She signs off all of them on Friday."),
        ("Which key opens the boathouse?", "The one with the tag, not the one with letters."),
        ("What do new members pay?", "We round it down for the first year."),
        ("How do we label leftovers?", "Everyone must put a date on it."),
        ("What's our channel for outages?", "Always use this one, never use general."),
        ("What is the motto?", "It is written over the door in capital letters."),
        ("Who do I call when the boiler fails?", "Call me first."),
        ("Who drives on Friday?", "I don't drive."),
        ("What is the password for the stand?", "Keep it to yourself."),
    ],
)
def test_a_reason_with_a_verb_of_writing_is_no_rule_where_its_object_is_a_thing(question: str, remark: str) -> None:
    assert kind_of(correction(question, "A.", rationale=remark)) is LessonKind.FACT


LONG = "The hall opens at nine in the morning and closes at six, and you are welcome to come by at any time."


@pytest.mark.parametrize(
    ("original", "corrected", "kind"),
    [
        ("the hall opens at nine", "The hall opens at nine.", LessonKind.STYLE),
        (LONG, "The hall opens at nine and closes at six.", LessonKind.STYLE),
        (LONG.replace("opens", "never opens"), "The hall opens at nine.", LessonKind.FACT),
        ("Tuesday or Sunday", "Tuesday", LessonKind.FACT),
        ("It is 30 days.", "It is 45 days.", LessonKind.FACT),
        ("", "45 days.", LessonKind.FACT),
        ("It opened on May 2, 1801.", "It opened on 1801-05-02.", LessonKind.STYLE),
        ("It opened on May 2, 1801.", "It opened on 1801-05-03.", LessonKind.FACT),
        ("Ana opened it on May 2, 1801.", "Bo opened it on 2 May 1801.", LessonKind.FACT),
        ("We close at 5:30 pm.", "17:30", LessonKind.STYLE),
        ("Bread, milk and eggs.", "- bread\n- milk\n- eggs", LessonKind.STYLE),
        ("Anna reports to Ben.", "Ben reports to Anna.", LessonKind.FACT),
        ("First lock the till, then the lights.", "First the lights, then lock the till.", LessonKind.FACT),
        (
            "It could be someone like Marta Kovac or Tom Reed, depending on which of the firms you have called before.",
            "Tom Reed.",
            LessonKind.FACT,
        ),
        (
            "The pool is open on Monday, Tuesday, Wednesday, Thursday, Friday and Saturday, from nine to five.",
            "The pool is open on Monday and Friday.",
            LessonKind.FACT,
        ),
        (
            "Yes, you can park in the yard, but only if you have a permit; else please use the public car park.",
            "You can park in the yard.",
            LessonKind.FACT,
        ),
        ("Bread, milk and eggs.", "- bread\n- milk\n- cheese", LessonKind.FACT),
        ("First rinse, then soak.", "First soak, then rinse.", LessonKind.FACT),
        ("Two big and five small tents.", "Five big and two small tents.", LessonKind.FACT),
        ("Chairs 12, tables 5.", "- chairs 5\n- tables 12", LessonKind.FACT),
        ("Rinse, soak, dry.", "1. Soak.\n2. Rinse.\n3. Dry.", LessonKind.FACT),
        ("Rinse. Soak. Dry.", "1. Rinse.\n2. Soak.\n3. Dry.", LessonKind.STYLE),
        ("From May 2, 1801 to May 5, 1801.", "From 1801-05-05 to 1801-05-02.", LessonKind.FACT),
        ("Ana opens at 9 am, Bo closes at 5 pm.", "Bo opens at 9:00, Ana closes at 17:00.", LessonKind.FACT),
        (
            "Bin day is usually Monday, Tuesday, Wednesday or Friday, as it depends on where you live.",
            "Friday",
            LessonKind.FACT,
        ),
        (
            "It could be someone like Ida Brandt, Tom Reed or Jo Vance, and it depends on the firm you chose.",
            "Tom Reed",
            LessonKind.FACT,
        ),
        (
            "You can park in the yard, but only if you have a permit and a sticker.",
            "You can park in the yard.",
            LessonKind.FACT,
        ),
    ],
)
def test_without_remarks_the_edit_itself_tells(original: str, corrected: str, kind: LessonKind) -> None:
    assert kind_of(correction("Q?", corrected, original=original)) is kind
