"""Moments as people read them: in the machine's own time zone, without seconds."""

from __future__ import annotations

from datetime import datetime


def local_time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
