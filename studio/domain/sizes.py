"""Bytes for people, everywhere in the same words."""

from __future__ import annotations


def size_text(count: float) -> str:
    """'0.3 kB', '12 kB', '1.2 MB', '386 MB', '2.5 GB': of two digits at least, in thousands."""
    for unit, name in ((1e3, "kB"), (1e6, "MB")):
        if count < 9.95 * unit:
            return f"{count / unit:.1f} {name}"
        if count < 999.5 * unit:
            return f"{count / unit:.0f} {name}"
    return f"{count / 1e9:.1f} GB"
