"""Every correction is its own probe from then on: it is asked again of every arm after what the arms know has changed.

In idle time, so that the curves go on where nobody asks; at the engine's idle priority, so that the user never waits.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from contextlib import aclosing

from msgspec.structs import asdict

from studio.domain.arms import ArmRecipe
from studio.domain.identity import utc_now
from studio.domain.lessons import LessonStatus
from studio.domain.log import Correction
from studio.domain.nights import Probe, ProbeKind, ProbeResult
from studio.evaluation.checks import judge
from studio.services.ask_many import Ask, Reply, stream_many
from studio.services.judge_probes import PROBE_SAMPLING
from studio.services.loaded_title import loaded_title
from studio.services.measured_forms import forms_of
from studio.services.reader import answering_arms
from studio.services.standing_corrections import standing_corrections
from studio.services.studio import Studio, off_loop

MOST_AT_ONCE = 40
"""Corrections asked again after one change: those that waited longest. In a long log the others follow later."""
_WRITTEN_TOGETHER = 20


async def reask_probes(studio: Studio) -> int:
    """Ask every arm again what was corrected, unless it was asked with the same knowledge; returns how many answers.

    Cancelled, it keeps what was answered and goes on from there the next time. Raises StudioError.
    """
    corrections = [one for one in await off_loop(standing_corrections, studio.log) if not one.check.is_empty]
    recipes, _ = await answering_arms(studio)
    occasion = f"idle:{await _knowledge(studio, corrections, recipes)}"
    due = await _due(studio, corrections, recipes, occasion)
    if not due:
        return 0
    asked = {correction.id: correction for correction, _ in due}
    title = loaded_title(await studio.model(), studio.catalogues)
    probes = [Probe(one.id, ProbeKind.RELIABILITY, one.prompt, one.check, one.id) for one in asked.values()]
    await off_loop(studio.log.probes.add, probes)
    asks = [Ask(correction.prompt, recipe, correction.history) for correction, recipe in due]
    results: list[ProbeResult] = []
    written = 0
    try:
        async with aclosing(stream_many(studio, asks, sampling=PROBE_SAMPLING)) as replies:
            async for number, reply in replies:
                results.append(_result(due[number][0], reply, occasion, title))
                if len(results) >= _WRITTEN_TOGETHER:
                    batch, results = results, []
                    written += len(batch)
                    await off_loop(studio.log.probes.add_results, batch)
    finally:
        if results:
            await off_loop(studio.log.probes.add_results, results)
    return written + len(results)


async def _knowledge(studio: Studio, corrections: Sequence[Correction], recipes: Sequence[ArmRecipe]) -> str:
    """Names what the arms answer from: equal names, equal answers."""
    facts = await studio.model()
    lessons = await off_loop(studio.log.lessons.all, LessonStatus.ACTIVE)
    adapters = await off_loop(studio.log.adapters.all, facts.sha256)
    whole = [
        facts.sha256,
        [correction.id for correction in corrections],
        sorted((lesson.id, lesson.updated_at.isoformat()) for lesson in lessons),
        [(adapter.id, adapter.active, adapter.scale) for adapter in adapters],
        [dataclasses.asdict(recipe) for recipe in recipes],
        asdict(studio.settings.prompt),
        dataclasses.asdict(await forms_of(studio)),
    ]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:12]


async def _due(
    studio: Studio, corrections: Sequence[Correction], recipes: Sequence[ArmRecipe], occasion: str
) -> list[tuple[Correction, ArmRecipe]]:
    """What was not yet asked on this occasion: first of the corrections that were begun with, then of those that waited
    longest, MOST_AT_ONCE in all; the newest were never asked."""
    arms = {recipe.name for recipe in recipes}
    of_these = [one for one in await off_loop(studio.log.probes.last_asked, occasion) if one.arm in arms]
    done = {(one.probe_id, one.arm) for one in of_these if one.now}
    begun = {probe for probe, _ in done}
    last: dict[str, int] = {}
    for one in of_these:
        last[one.probe_id] = max(one.place, last.get(one.probe_id, -1))
    newest_first = corrections[::-1]
    chosen = sorted(newest_first, key=lambda one: (one.id not in begun, last.get(one.id, -1)))[:MOST_AT_ONCE]
    return [(one, recipe) for recipe in recipes for one in chosen if (one.id, recipe.name) not in done]


def _result(correction: Correction, reply: Reply, occasion: str, model: str) -> ProbeResult:
    verdict = judge(reply.text, correction.check)
    return ProbeResult(
        probe_id=correction.id,
        arm=reply.ask.recipe.name,
        text=reply.text,
        ok=verdict.ok,
        score=verdict.score,
        occasion=occasion,
        created_at=utc_now(),
        adapter_id=reply.given.adapter_id,
        correction_id=correction.id,
        prompt_tokens=reply.completion.prompt_tokens,
        first_token_s=reply.completion.first_token_s,
        latency_s=reply.completion.latency_s,
        model_sha256=reply.given.model_sha256,
        model_name=model,
    )
