"""The promotion gate: whether tonight's adapter replaces yesterday's, decided on validation probes alone.

The rule, all parts of which must hold, compares the candidate with the frozen model on the same probes:

1. Gain: the 95% interval of the gain on rephrased questions, resampled over corrections, lies above zero. With
   fewer than five corrections there is no honest interval; then at least one more rephrased question must be
   right and no correction may have fewer right than before.
2. Locality drops by at most 2 points and retention by at most 1 point. A probe is the smallest step that can be
   seen: with fewer than 50 or 100 probes one lost probe is allowed, since a single answer that flips proves no
   harm; above that, as many as the points come to, rounded down. General probes must have been asked.
3. No collapse: no single answer is given where it does not belong to more than 5% of the prompts, or to more than
   the frozen model's commonest such answer, or to more than three prompts, whichever is the most.
4. Where an adapter is in use already, the candidate is not clearly worse than it: the interval of the difference
   on rephrased questions does not lie below zero (with fewer than five corrections: not fewer right in all).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from studio.domain.measures import Estimate
from studio.domain.nights import ProbeKind
from studio.domain.plural import plural
from studio.evaluation.metrics import Answers, ProbeRecord

LOCALITY_POINTS = 2
RETENTION_POINTS = 1
MISPLACED_POINTS = 5
FEWEST_MISPLACED = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` says why in one or two sentences with the figures; `figures` are the differences behind it."""

    promote: bool
    reason: str
    figures: Mapping[str, Estimate]


def decide_promotion(
    candidate: Sequence[ProbeRecord], frozen: Sequence[ProbeRecord], in_use: Sequence[ProbeRecord] = ()
) -> Decision:
    """Apply the rule above. The three hold the answers of tonight's adapter, of none, and of yesterday's.

    Raises UsageError where the frozen model, or the adapter in use, was not asked what the candidate was.
    """
    answers = Answers("tonight's adapter", candidate, frozen)
    gain = answers.right_difference(ProbeKind.REPHRASE)
    objections = [
        *_objections_to_gain(gain, answers),
        *_objections_to_losses("locality prompts", answers.of(ProbeKind.LOCALITY), LOCALITY_POINTS),
        *_objections_to_losses("general probes", answers.of(ProbeKind.GENERAL), RETENTION_POINTS),
        *_objections_to_collapse(answers, Answers("the frozen model", frozen, frozen)),
    ]
    if not answers.of(ProbeKind.GENERAL):
        objections.append("no general probe was asked, so what it forgot is unknown")
    figures = {"rephrase_gain": gain, "locality": answers.locality(), "retention": answers.retention()}
    if in_use:
        against = Answers("tonight's adapter", candidate, in_use)
        figures["rephrase_over_in_use"] = difference = against.right_difference(ProbeKind.REPHRASE)
        if _is_below_zero(difference):
            objections.append(
                f"it gets fewer rephrased questions right than the adapter in use ({_points(difference)})"
            )
    return Decision(not objections, _reason(answers, gain, objections), figures)


def _reason(answers: Answers, gain: Estimate, objections: Sequence[str]) -> str:
    if objections:
        return f"Kept what was in use: {'; '.join(objections)}."
    rule = "" if gain.low is not None else "; too few corrections for an interval, so none may have got worse"
    rephrased = f"{len(answers.of(ProbeKind.REPHRASE))} rephrased questions of {plural(gain.n, 'correction')}"
    kinds = ((ProbeKind.LOCALITY, "locality prompts"), (ProbeKind.GENERAL, "general probes"))
    losses = (_losses(name, answers.of(kind)) for kind, name in kinds)
    return f"Promoted: {_points(gain)} on {rephrased}{rule}. Lost: {', '.join(losses)}."


def _losses(name: str, pairs: list[tuple[ProbeRecord, ProbeRecord]]) -> str:
    right = sum(base.ok for _, base in pairs)
    return f"{len(_lost(pairs))} of {right} {name}" if pairs else f"no {name} were asked"


def _objections_to_gain(gain: Estimate, answers: Answers) -> Iterable[str]:
    if gain.mean is None:
        yield "no rephrased question was asked, so nothing shows that it helps"
    elif gain.low is None:
        if gain.mean <= 0 or any(change < 0 for change in _changes_by_correction(answers).values()):
            yield (
                f"with {plural(gain.n, 'correction')} there is no interval, and the rule for so few (more rephrased "
                f"questions right, none worse for any correction) is not met ({_points(gain)})"
            )
    elif gain.low <= 0:
        yield f"the gain on rephrased questions is inconclusive ({_points(gain)}, n = {plural(gain.n, 'correction')})"


def _changes_by_correction(answers: Answers) -> dict[str, int]:
    changes: dict[str, int] = {}
    for own, base in answers.of(ProbeKind.REPHRASE):
        changes[own.unit] = changes.get(own.unit, 0) + own.ok - base.ok
    return changes


def _objections_to_losses(name: str, pairs: list[tuple[ProbeRecord, ProbeRecord]], points: int) -> Iterable[str]:
    right = sum(base.ok for _, base in pairs)
    lost, allowed = len(_lost(pairs)), max(1, right * points // 100)
    if lost > allowed:
        yield f"it lost {lost} of {right} {name} that the frozen model gets right ({allowed} allowed)"


def _lost(pairs: list[tuple[ProbeRecord, ProbeRecord]]) -> list[ProbeRecord]:
    return [own for own, base in pairs if base.ok and not own.ok]


def _objections_to_collapse(answers: Answers, frozen: Answers) -> Iterable[str]:
    times, text = answers.commonest_misplaced()
    prompts = len(answers.pairs)
    allowed = max(FEWEST_MISPLACED, prompts * MISPLACED_POINTS // 100, frozen.commonest_misplaced()[0])
    if times > allowed:
        shown = " ".join(text.split())
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        yield f"it answers '{shown}' to {times} of {prompts} prompts where that is wrong ({allowed} allowed)"


def _is_below_zero(difference: Estimate) -> bool:
    bound = difference.mean if difference.high is None else difference.high
    return bound is not None and bound < 0


def _points(difference: Estimate) -> str:
    if difference.mean is None:
        return "not measured"
    interval = (
        ""
        if difference.low is None or difference.high is None
        else f" [{_percent(difference.low)}, {_percent(difference.high)}]"
    )
    return f"{_percent(difference.mean)} points{interval}"


def _percent(share: float) -> str:
    return f"{100 * share:+.0f}"
