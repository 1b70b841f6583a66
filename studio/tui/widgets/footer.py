"""The keys at the bottom of a screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

AROUND, AROUND_PALETTE = 1, 3
"""Cells around a key and its word: the gap to the next one; the palette's line and its padding."""


class StudioFooter(Footer):
    """Textual's, which mounts all its keys anew whenever the focus moves; this one only where they are other keys.

    A key that the row has no room for is left out rather than cut off; F1 and the palette, which tell them all, stay.
    """

    _said: object = None

    async def recompose(self) -> None:
        if not self.is_attached:
            return  # its screen was left meanwhile
        says = [shown for shown in self.screen.active_bindings.values() if shown.binding.show]
        said = (self.app.size.width, [(one.binding, one.enabled, one.tooltip) for one in says])
        if said != self._said:
            self._said = said
            await super().recompose()
            # Textual lets go of keys that went only when what they watch is set: else each would be kept for ever.
            self.mutate_reactive(Footer.compact)

    def on_resize(self) -> None:
        self.call_after_refresh(self.recompose)

    def compose(self) -> ComposeResult:
        yield from self.in_sight([cast("FooterKey", key) for key in super().compose()])

    def in_sight(self, keys: Sequence[FooterKey]) -> Sequence[FooterKey]:
        """Those that there is room for, in their order."""
        kept = list(keys)
        while sum(map(_width, kept)) > self.app.size.width:
            spare = [key for key in kept if key.action != "help" and not key.has_class("-command-palette")]
            if not spare:
                break
            kept.remove(spare[-1])
        return kept


class TwoRowFooter(StudioFooter):
    """In two rows where the style sheet lays it out as a grid."""

    def in_sight(self, keys: Sequence[FooterKey]) -> Sequence[FooterKey]:
        return keys

    async def recompose(self) -> None:
        await super().recompose()
        self.styles.grid_size_columns = -(-len(self.children) // 2)


def _width(key: FooterKey) -> int:
    around = AROUND_PALETTE if key.has_class("-command-palette") else AROUND
    return cell_len(f"{key.key_display} {key.description}") + around
