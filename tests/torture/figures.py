"""What a part of the long form counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """So often something was tried; `broken` holds a sentence for each time it did not hold. `noted` is told beside."""

    what: str
    tried: int
    broken: tuple[str, ...] = ()
    noted: str = ""

    def __str__(self) -> str:
        held = self.tried - len(self.broken)
        return f"{self.what:<44} {held:>7,} of {self.tried:>7,} held" + (f"; {self.noted}" if self.noted else "")
