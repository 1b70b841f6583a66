"""When two questions are the same by their words, and when one is another for all that its words are the same."""

from __future__ import annotations

import pytest

from studio.lessons.same_words import same_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's the wifi password?", "What is the Wi-Fi password?"),
        ("Who's our accountant?", "And who is the accountant now?"),
        ("Please tell me the alarm code.", "What is the alarm code again?"),
        ("Could you tell me the code of the alarm?", "the alarm code"),
        ("At what time does the shop open?", "When does the shop open?"),
        ("Where's the first-aid kit?", "Where is the first aid kit?"),
        ("In which room is yoga?", "What room is yoga in?"),
        ("Why can't we ship to Malta?", "Why can not we ship to Malta?"),
        ("What is the e-mail of HR?", "What’s the email of HR?"),
        ("Where aren't we shipping?", "Where are we not shipping?"),
    ],
)
def test_the_same_question(one: str, other: str) -> None:
    assert same_words(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Who covers for Anna when Ben is away?", "Who covers for Ben when Anna is away?"),
        ("Which is the flight to Rome from Oslo?", "Which is the flight from Rome to Oslo?"),
        ("How do we convert orders to invoices?", "How do we convert invoices to orders?"),
        ("Does Kim report to Lee?", "Does Lee report to Kim?"),
        ("Who is the deputy of the chair?", "Who is the chair of the deputy?"),
        ("Who is the treasurer?", "Who was the treasurer?"),
        ("Is the door code changed on Mondays?", "How is the door code changed on Mondays?"),
        ("Do we sell gift cards?", "Which gift cards do we sell?"),
        ("Do we ship on Mondays?", "Don't we ship on Mondays?"),
        ("What is the fee at +1 level?", "What is the fee at -1 level?"),
        ("What is C++ used for here?", "What is C used for here?"),
        ("What is my locker number?", "What is our locker number?"),
        ("Who do I report to?", "Who do we report to?"),
        ("What is our door code?", "Where is our door code?"),
        ("Wer vertritt Anna, wenn Ben fehlt?", "Wer vertritt Ben, wenn Anna fehlt?"),
        ("Who leads the Berlin office?", "Who leads the Bonn office?"),
    ],
)
def test_another_question(one: str, other: str) -> None:
    assert not same_words(one, other)
