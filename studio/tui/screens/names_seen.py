"""Whether a choice between answers is blind: not, once any of them was read under its arm's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studio.tui.screens.arm_pane import ArmPane

KNOWN = (
    "You have read answers to this question under their arms' names: a choice among them counts as one with names "
    "known. The next question is blind."
)


class NamesSeen:
    """What was read under its name, by question, arm and text: an arm that is asked again often says the same again."""

    def __init__(self) -> None:
        self._read: set[tuple[str, str, str]] = set()

    def note(self, prompt: str, panes: Sequence[ArmPane]) -> None:
        """Remember what these panes show under their names; to be called before they show something else."""
        said = [(pane.recipe.name, pane.answer.text) for pane in panes if pane.answer is not None and pane.name_seen]
        self.note_said(prompt, said)

    def note_said(self, prompt: str, said: Iterable[tuple[str, str]]) -> None:
        """Remember answers, each with its arm, that were read elsewhere."""
        self._read.update((prompt, arm, text) for arm, text in said)

    def known(self, prompt: str, panes: Sequence[ArmPane]) -> bool:
        """Whether the name behind any of the answers shown is known."""
        return any(
            pane.name_seen or (pane.answer is not None and (prompt, pane.recipe.name, pane.answer.text) in self._read)
            for pane in panes
        )
