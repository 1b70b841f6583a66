"""Tonight's adapter on probes it has not trained on: whether it passes the gate, and at which scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from studio.domain.arms import ACTIVE_ADAPTER, FROZEN, ArmRecipe
from studio.domain.generation import Sampling
from studio.domain.log import Correction
from studio.domain.nights import Adapter, Probe
from studio.evaluation.gate import decide_promotion
from studio.evaluation.metrics import ProbeRecord, group_by_arm
from studio.evaluation.scenario import ScenarioProbe
from studio.evaluation.validation import HELD_BACK_FORMS, general_probes, locality_probes, rephrase_probes
from studio.services.adapters import adapter_file
from studio.services.judge_probes import judge_probes
from studio.services.studio import Studio, off_loop

SCALES = (1.0, 0.8, 0.6)
"""The scales to choose from, the largest first: a smaller one forgets less and carries less far. Trained at 1."""

CHOOSING, JUDGING = "choosing the scale", "asking held-back questions"
"""The two stages, as they are told to whoever watches."""

GATE_SAMPLING = Sampling(max_tokens=32)
"""What is right is said within so many tokens (docs/night.md); the rest of long answers would cost minutes."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The scale chosen and the gate's word on it."""

    scale: float
    promote: bool
    reason: str
    metrics: Mapping[str, object]


async def choose_and_judge(
    studio: Studio,
    adapter: Adapter,
    corrections: Sequence[Correction],
    observe: Callable[[str, int, int], None] = lambda stage, answered, total: None,
) -> GateVerdict:
    """Choose the scale, then put the adapter at that scale through the gate, once.

    The scale is chosen on the first held-back form; the gate judges on the others, on neighbouring questions and on
    the general probes, so it is not asked again and again until something passes. An adapter in use whose file is
    missing is left out, and the reason says so.
    `observe(stage, answered, total)` follows the progress.
    """
    choosing_form = HELD_BACK_FORMS[0]
    scale = await _best_scale(
        studio, adapter, rephrase_probes(corrections, [choosing_form]), partial(observe, CHOOSING)
    )
    candidate = _at_scale(adapter, scale)
    arms = [FROZEN, candidate]
    in_use = await off_loop(studio.log.adapters.active, adapter.model_sha256)
    not_compared = ""
    if in_use is not None and adapter_file(studio, in_use).is_file():
        arms.append(ArmRecipe("in use", adapter=ACTIVE_ADAPTER, scale=in_use.scale))
    elif in_use is not None:
        not_compared = f" v{in_use.version}, in use before, was not compared: its file is missing."
    by_arm = await _ask(studio, _judging_probes(corrections), arms, partial(observe, JUDGING))
    decision = decide_promotion(by_arm[candidate.name], by_arm[FROZEN.name], by_arm.get("in use", ()))
    figures = {name: asdict(estimate) for name, estimate in decision.figures.items()}
    reason = f"{decision.reason} Scale {scale:.1f}.{not_compared}"
    return GateVerdict(scale, decision.promote, reason, {"validation": figures, "scale": scale})


async def ask_frozen(studio: Studio, corrections: Sequence[Correction]) -> None:
    """Ask the frozen model what the gate will ask of it, as far as there is time: each answer is kept as it comes."""
    await _ask(studio, _judging_probes(corrections), [FROZEN], lambda *_: None)


def _judging_probes(corrections: Sequence[Correction]) -> list[Probe]:
    rephrased = rephrase_probes(corrections, HELD_BACK_FORMS[1:])
    return [*rephrased, *locality_probes(corrections), *general_probes()]


async def _best_scale(
    studio: Studio, adapter: Adapter, rephrased: Sequence[Probe], observe: Callable[[int, int], None]
) -> float:
    """The scale with the most right; of equals the largest, which carries further from the wordings trained on.

    From the largest on: where it has all right, no other is asked.
    """
    best, most = SCALES[0], -1
    for number, scale in enumerate(SCALES):
        if most == len(rephrased):
            break

        def answered(done: int, _: int, before: int = number) -> None:
            observe(before * len(rephrased) + done, len(SCALES) * len(rephrased))

        by_arm = await _ask(studio, rephrased, [_at_scale(adapter, scale)], answered)
        right = sum(one.ok for one in by_arm.get(_at_scale(adapter, scale).name, ()))
        if right > most:
            best, most = scale, right
    return best


def _at_scale(adapter: Adapter, scale: float) -> ArmRecipe:
    return ArmRecipe(f"x{scale:.1f}", adapter=str(adapter.version), scale=scale)


async def _ask(
    studio: Studio, probes: Sequence[Probe], arms: Sequence[ArmRecipe], observe: Callable[[int, int], None]
) -> dict[str, list[ProbeRecord]]:
    asked = [ScenarioProbe(probe) for probe in probes]
    records = await judge_probes(studio, asked, arms, sampling=GATE_SAMPLING, verdicts_only=True, observe=observe)
    return group_by_arm(records)
