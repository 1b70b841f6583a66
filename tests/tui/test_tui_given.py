"""What an answer was given, in words."""

from __future__ import annotations

from studio.domain.log import Given, GivenLesson
from studio.tui.widgets.given import describe_given, given_or_nothing


def test_a_history_that_did_not_fit_is_told_once_and_whole() -> None:
    note = "No adapter is in use. The oldest 6 messages did not fit and were left out."
    assert describe_given(Given(history_trimmed=6, note=note)) == note


def test_what_was_given_stands_apart_from_why_there_is_no_more() -> None:
    note = "No adapter is in use."
    assert given_or_nothing(Given(note=note)) == "nothing. No adapter is in use."
    lesson = GivenLesson("l", "My cat is Minka", 0.61, 1)
    given = Given(lessons=(lesson,), note=note)
    assert given_or_nothing(given) == "lesson “My cat is Minka” 0.61. No adapter is in use."
    assert given_or_nothing(Given()) == "nothing"
