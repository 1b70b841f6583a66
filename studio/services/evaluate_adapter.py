"""Tonight's adapter on probes it has not trained on: whether it passes the gate, and at which scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from studio.domain.arms import ACTIVE_ADAPTER, FROZEN, ArmRecipe
from studio.domain.log import Correction
from studio.domain.nights import Adapter, Probe
from studio.evaluation.gate import Decision, decide_promotion
from studio.evaluation.metrics import ProbeRecord, group_by_arm
from studio.evaluation.scenario import ScenarioProbe
from studio.evaluation.validation import general_probes, rephrase_probes
from studio.services.judge_probes import judge_probes
from studio.services.studio import Studio, off_loop

SCALES = (1.0, 0.8, 0.6)
"""The scales tried, in this order: a smaller one forgets less and carries less far. Trained at 1."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The scale chosen and the gate's word on it."""

    scale: float
    promote: bool
    reason: str
    metrics: Mapping[str, object]


async def choose_and_judge(studio: Studio, adapter: Adapter, corrections: Sequence[Correction]) -> GateVerdict:
    """Put the adapter through the gate, at the largest scale that passes; where none does, the first says why.

    The larger the scale, the further the learning carries to wordings unlike those trained on, which the held-back
    forms cannot show; so a smaller one is tried only where the larger one harms.
    """
    probes = [*rephrase_probes(corrections), *general_probes()]
    arms = [FROZEN]
    in_use = await off_loop(studio.log.adapters.active, adapter.model_sha256)
    if in_use is not None:
        arms.append(ArmRecipe("in use", adapter=ACTIVE_ADAPTER, scale=in_use.scale))
    others = await _ask(studio, probes, arms)
    verdicts: list[GateVerdict] = []
    for scale in SCALES:
        candidate = ArmRecipe("candidate", adapter=str(adapter.version), scale=scale)
        answers = (await _ask(studio, probes, [candidate]))["candidate"]
        verdicts.append(_verdict(scale, decide_promotion(answers, others[FROZEN.name], others.get("in use", ()))))
        if verdicts[-1].promote:
            return verdicts[-1]
    return verdicts[0]


def _verdict(scale: float, decision: Decision) -> GateVerdict:
    figures = {name: asdict(estimate) for name, estimate in decision.figures.items()}
    reason = f"{decision.reason} Scale {scale:.1f}."
    return GateVerdict(scale, decision.promote, reason, {"validation": figures, "scale": scale})


async def _ask(studio: Studio, probes: Sequence[Probe], arms: Sequence[ArmRecipe]) -> dict[str, list[ProbeRecord]]:
    asked = [ScenarioProbe(probe) for probe in probes]
    return group_by_arm(await judge_probes(studio, asked, arms))
