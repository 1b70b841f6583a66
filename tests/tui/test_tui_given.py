"""What an answer was given, in words."""

from __future__ import annotations

from studio.domain.log import Given
from studio.tui.widgets.given import describe_given


def test_a_history_that_did_not_fit_is_told_once_and_whole() -> None:
    note = "No adapter in use yet. The oldest 6 messages did not fit and were left out."
    assert describe_given(Given(history_trimmed=6, note=note)) == note
