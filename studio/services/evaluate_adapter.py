"""Tonight's adapter on probes it has not trained on: which scale suits it, and whether it passes the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from studio.domain.arms import ACTIVE_ADAPTER, FROZEN, ArmRecipe
from studio.domain.log import Correction
from studio.domain.nights import Adapter, ProbeKind
from studio.evaluation.gate import Decision, decide_promotion
from studio.evaluation.metrics import Answers, ProbeRecord, group_by_arm
from studio.evaluation.scenario import ScenarioProbe
from studio.evaluation.validation import general_probes, rephrase_probes
from studio.services.judge_probes import judge_probes
from studio.services.studio import Studio, off_loop

SCALES = (1.0, 0.8, 0.6)
"""The scales tried: a smaller one forgets less and learns less. The adapter is trained at 1."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The scale chosen and the gate's word on it."""

    scale: float
    promote: bool
    reason: str
    metrics: Mapping[str, object]


async def choose_and_judge(studio: Studio, adapter: Adapter, corrections: Sequence[Correction]) -> GateVerdict:
    """Ask the validation probes of the frozen model, the adapter in use, and the new one at each scale.

    Of the scales that pass the gate the one with the most rewordings right is chosen; of none, the best is reported.
    """
    probes = [ScenarioProbe(probe) for probe in (*rephrase_probes(corrections), *general_probes())]
    in_force = await off_loop(studio.log.adapters.active, adapter.model_sha256)
    candidates = {f"x{scale:.1f}": ArmRecipe(f"x{scale:.1f}", adapter=str(adapter.version), scale=scale) for scale in SCALES}
    arms = [FROZEN, *candidates.values()]
    if in_force is not None:
        arms.append(ArmRecipe("in use", adapter=ACTIVE_ADAPTER, scale=in_force.scale))
    by_arm = group_by_arm(await judge_probes(studio, probes, arms))
    decided: list[tuple[float, Decision, float]] = []
    for name, recipe in candidates.items():
        decision = decide_promotion(by_arm[name], by_arm[FROZEN.name], by_arm.get("in use", ()))
        decided.append((recipe.scale or 1.0, decision, _right(by_arm[name])))
    scale, decision, _ = max(decided, key=lambda one: (one[1].promote, one[2]))
    figures = {name: asdict(estimate) for name, estimate in decision.figures.items()}
    return GateVerdict(
        scale,
        decision.promote,
        f"{decision.reason} Scale {scale:.1f}.",
        {"validation": figures, "scale": scale, "scales": {str(s): d.promote for s, d, _ in decided}},
    )


def _right(records: Sequence[ProbeRecord]) -> float:
    """Share of rewordings right: what a scale is chosen by among those that pass."""
    return Answers("candidate", records, records).share_right(ProbeKind.REPHRASE).mean or 0.0
