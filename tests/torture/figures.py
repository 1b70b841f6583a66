"""What a part of the long form is asked for, and what it counts."""

from __future__ import annotations

import random
from dataclasses import dataclass

from torture.deeds import DEEDS, Deed


@dataclass(frozen=True, slots=True)
class Wanted:
    """How often each thing is tried (1 is what `make test` does, give or take), with which random numbers; of which
    deeds, where a part is of deeds."""

    times: int
    draw: random.Random
    deeds: tuple[Deed, ...] = DEEDS


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
