"""A question about another thing in a lesson's frame is not the lesson's; the same question in other words is."""

from __future__ import annotations

import pytest

from studio.lessons.another_thing import asks_of_another

ALIKE = 0.7


@pytest.mark.parametrize(
    ("question", "example"),
    [
        ("Who leads the Hamburg office?", "Who leads the Berlin office?"),
        ("How many chairs are in room 5?", "How many chairs are in room 2?"),
        ("Is there a projector in room 5?", "Is there any projector in room 25?"),
        ("What is our cat called?", "What is our dog called?"),
        ("How do I restart the dishwasher?", "How do I restart the coffee machine?"),
        ("谁负责柏林办公室?", "谁负责波恩办公室?"),
        ("Wo steht der Drucker?", "Wo steht der Scanner?"),
        ("Où est la clé de la cave ?", "Où est la clé de la porte ?"),
    ],
)
def test_another_thing_in_the_same_frame(question: str, example: str) -> None:
    assert asks_of_another(question, example, "It is so.", ALIKE)
    assert asks_of_another(example, question, "It is so.", ALIKE)


@pytest.mark.parametrize(
    ("question", "example", "guidance", "score"),
    [
        ("When does the store close?", "When does the shop close?", "At nine.", 0.9),
        ("Whom do I ask in Berlin when Anna is away?", "Who leads the Berlin office?", "Anna Vogel.", ALIKE),
        ("Does Anna live in Germany?", "Who leads the Berlin office?", "Anna Vogel, from Bonn.", ALIKE),
        ("I bought it 3 weeks ago. Can I return it?", "How long can I return things?", "45 days.", ALIKE),
        ("Until when are returns possible?", "How long can I return things?", "45 days.", ALIKE),
        ("who leads the berlin office", "Who leads the Berlin office?", "Anna Vogel.", ALIKE),
        ("Wie heißt unser Hund?", "Unser Hund hat welchen Namen?", "Bello.", ALIKE),
        ("What's the Wi-Fi password?", "What is the WiFi password?", "kiwi42", ALIKE),
        ("What Is The Alarm Code?", "What Is The Pin For The Alarm?", "4471", ALIKE),
        ("", "Who leads the Berlin office?", "Anna Vogel.", ALIKE),
    ],
)
def test_the_same_thing_in_other_words(question: str, example: str, guidance: str, score: float) -> None:
    assert not asks_of_another(question, example, guidance, score)
