"""The keys at the bottom of a screen."""

from __future__ import annotations

from textual.widgets import Footer


class StudioFooter(Footer):
    """Textual's, which mounts all its keys anew whenever the focus moves; this one only where they are other keys."""

    _said: object = None

    async def recompose(self) -> None:
        says = [shown for shown in self.screen.active_bindings.values() if shown.binding.show]
        said = [(one.binding, one.enabled, one.tooltip) for one in says]
        if said != self._said:
            self._said = said
            await super().recompose()
