"""Which corrections a night learns: all that stand while there is time for them, else the newest and most needed."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.arms import ACTIVE_ADAPTER, Memory
from studio.domain.log import Correction
from studio.domain.nights import Night, NightState
from studio.domain.same_question import folded
from studio.services.judge_log import hear, judge_log
from studio.services.standing_corrections import standing_corrections
from studio.services.studio import Studio, off_loop
from studio.training.priority import Standing, choose

SECONDS_EACH = 20.0
"""What a correction costs a night of the bundled model on two cores; taken until a night was measured."""

_LEARNT = (NightState.PROMOTED, NightState.KEPT)


async def choose_corrections(studio: Studio, model_sha256: str, *, minutes: float, seed: int) -> list[Correction]:
    """Oldest first; at least one where any stands. Superseded, contradicted and undone ones never."""
    standing = await off_loop(standing_corrections, studio.log)
    nights = [
        night
        for night in reversed(await off_loop(studio.log.nights.all))
        if night.model_sha256 == model_sha256 and night.state in _LEARNT
    ]
    most = max(1, int(60 * minutes / _seconds_each(nights)))
    if len(standing) <= most:
        return standing
    right = await off_loop(_right_by_weights, studio)
    trained = {name: number for number, night in enumerate(nights, 1) for name in night.correction_ids}
    standings = [Standing(one.id, trained.get(one.id), right.get(folded(one.prompt))) for one in standing]
    chosen = set(choose(standings, most, seed))
    return [one for one in standing if one.id in chosen]


def _seconds_each(nights: Sequence[Night]) -> float:
    """Seconds of training a correction, by the latest night that told; with other settings only roughly so."""
    for night in reversed(nights):
        seconds = night.metrics.get("running_s")
        if isinstance(seconds, (int, float)) and seconds > 0 and night.correction_ids:
            return float(seconds) / len(night.correction_ids)
    return SECONDS_EACH


def _right_by_weights(studio: Studio) -> dict[str, bool]:
    """By question: whether the latest answer from the weights alone, without notes, was right."""
    arms = {
        arm.name for arm in studio.settings.arm_recipes() if arm.adapter == ACTIVE_ADAPTER and arm.memory is Memory.NONE
    }
    return {folded(one.question): one.ok for one in judge_log(hear(studio.log)) if one.arm in arms and one.after}
