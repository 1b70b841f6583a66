"""What putting a backup in the log's place would do to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one kind of rows: how many the log has and the backup lacks, the other way round, and otherwise in both."""

    kind: str
    lost: int
    back: int
    otherwise: int = 0


@dataclass(frozen=True, slots=True)
class Restoration:
    """What a backup would change. `present_fault` says why the log there cannot be read; empty where it can."""

    differences: tuple[Difference, ...]
    present_fault: str = ""

    @property
    def loses(self) -> bool:
        """Whether something would be gone, or as it was earlier, that is in the log now."""
        return any(one.lost or one.otherwise for one in self.differences)
