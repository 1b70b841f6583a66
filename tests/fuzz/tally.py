"""What became of the inputs, by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

REFUSED, LOADED = "refused", "loaded"
HUNG, ABORTED, BROKE = "hung", "aborted", "broke"


@dataclass
class Tally:
    """`broken` holds a sentence for each input that came to no good end; `peak_bytes` is the child's largest memory."""

    kind: str
    ends: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def tried(self) -> int:
        return self.ends.total()

    @property
    def failures(self) -> int:
        """Hangs, and whatever broke. A process that ends and is started anew is what it is a process of its own for."""
        return self.ends[HUNG] + self.ends[BROKE]

    def note(self, end: str, detail: str = "") -> None:
        self.ends[end] += 1
        if detail:
            self.broken.append(f"{self.kind}, {end}: {detail}")

    def note_memory(self, process_id: int | None) -> None:
        if process_id is not None:
            self.peak_bytes = max(self.peak_bytes, peak_memory(process_id))

    def __str__(self) -> str:
        ends = ", ".join(f"{self.ends[end]:,} {end}" for end in (REFUSED, LOADED, HUNG, ABORTED, BROKE))
        return f"{self.kind:<12} {self.tried:>6,} inputs: {ends}; at most {self.peak_bytes / 1e6:,.0f} MB"


def peak_memory(process_id: int) -> int:
    """The most resident memory the process had so far, in bytes; 0 where that is not known."""
    try:
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
