"""Style sheets that are parsed once."""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet


class KeptStylesheet(Stylesheet):
    """Textual's, but what was parsed is kept as long as the variables stay the same.

    Textual parses everything anew for the theme it starts with, for each screen with a sheet of its own, and, as its
    cache has room for fewer sheets than the app's widgets have, for each kind of widget that is new: a tenth of the
    start.
    """

    MOST_KEPT = 1024

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(self.MOST_KEPT)

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
