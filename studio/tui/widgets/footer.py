"""The keys at the bottom of a screen."""

from __future__ import annotations

from textual.widgets import Footer


class StudioFooter(Footer):
    """Textual's, which mounts all its keys anew whenever the focus moves; this one only where they are other keys."""

    _said: object = None

    async def recompose(self) -> None:
        if not self.is_attached:
            return  # its screen was left meanwhile
        says = [shown for shown in self.screen.active_bindings.values() if shown.binding.show]
        said = [(one.binding, one.enabled, one.tooltip) for one in says]
        if said != self._said:
            self._said = said
            await super().recompose()


class TwoRowFooter(StudioFooter):
    """In two rows where the style sheet lays it out as a grid."""

    async def recompose(self) -> None:
        await super().recompose()
        self.styles.grid_size_columns = -(-len(self.children) // 2)
