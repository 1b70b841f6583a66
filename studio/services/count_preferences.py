"""Which arms' answers were preferred, how often, and how often with their names hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from studio.services.studio import Studio, off_loop


@dataclass(frozen=True, slots=True)
class ArmPreferences:
    """`preferred` of `compared` comparisons; arms that said the same count alike. The blind ones are among them."""

    arm: str
    compared: int
    preferred: int
    compared_blind: int
    preferred_blind: int


async def preferences_by_arm(studio: Studio) -> list[ArmPreferences]:
    """Of every arm that was in a comparison; the most often preferred first."""
    _, rows = await off_loop(
        studio.log.query, "SELECT arm, compared, preferred, compared_blind, preferred_blind FROM preferences_by_arm"
    )
    return [ArmPreferences(*cast("Any", row)) for row in rows]
