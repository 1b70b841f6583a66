"""From judged answers to measures per arm, as defined in docs: reliability to overhead, each with its interval.

The field's names: reliability is EasyEdit's rewrite_acc (CounterFact's efficacy), rephrase is generalization,
locality is specificity, portability means ripple effects; gain is that of Continual Learning Bench 1.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from studio.domain.measures import Estimate
from studio.domain.nights import ProbeKind
from studio.errors import UsageError
from studio.evaluation.statistics import mean_estimate, ratio_estimate
from studio.evaluation.words import words

BASELINE = "frozen"

Question = tuple[int, int, int, str]
ArmMeasures = dict[str, Estimate]

GAIN_KINDS = (ProbeKind.RELIABILITY, ProbeKind.REPHRASE, ProbeKind.PORTABILITY, ProbeKind.TRANSFER)


@dataclass(frozen=True, slots=True)
class ProbeRecord:
    """One arm's judged answer to one probe on one occasion.

    `correction_id` None for general probes. `stale`: the answer gives a superseded target; None where nothing was
    superseded. `order` counts the scenario's runs from 0, `day` is the day of asking, `age` the nights since the
    correction was made, `corrections` how many had been made by then. `lessons` counts the lessons that were put into
    the prompt, `right_lesson` tells whether the correction's own was among them; both are None for an arm without
    lessons, the latter also where no correction is asked for. `cut`: the answer was still going on when it had as many
    tokens as one may have.
    """

    probe_id: str
    kind: ProbeKind
    arm: str
    correction_id: str | None
    text: str
    score: float
    ok: bool
    stale: bool | None = None
    order: int = 0
    day: int = 0
    age: int = 0
    corrections: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    lessons: int | None = None
    right_lesson: bool | None = None
    cut: bool = False

    @property
    def unit(self) -> str:
        """What is resampled for intervals: the correction, or the general probe itself."""
        return self.correction_id if self.correction_id is not None else self.probe_id

    @property
    def question(self) -> Question:
        """What pairs the answers of different arms."""
        return self.order, self.day, self.corrections, self.probe_id


def measure_arms(records: Iterable[ProbeRecord]) -> dict[str, ArmMeasures]:
    """All measures by arm, from the answers of one occasion (of any number of orders).

    Raises UsageError where the BASELINE has not answered a question that another arm has.
    """
    by_arm = group_by_arm(records)
    return {arm: _measures(Answers(arm, answers, by_arm.get(BASELINE, []))) for arm, answers in by_arm.items()}


def group_by_arm(records: Iterable[ProbeRecord]) -> dict[str, list[ProbeRecord]]:
    """Records by arm, both in the order given."""
    by_arm: dict[str, list[ProbeRecord]] = {}
    for record in records:
        by_arm.setdefault(record.arm, []).append(record)
    return by_arm


def answers_that_differ(reset: Iterable[ProbeRecord], frozen: Iterable[ProbeRecord]) -> tuple[str, ...]:
    """Probes that an arm with memory and adapter reset answers otherwise than the frozen arm: must be none."""
    texts = {record.question: record.text for record in frozen}
    return tuple(record.probe_id for record in reset if texts.get(record.question) != record.text)


class Answers:
    """One arm's answers, each beside the baseline's answer to the same question."""

    def __init__(self, arm: str, records: Sequence[ProbeRecord], baseline: Sequence[ProbeRecord]) -> None:
        by_question = {record.question: record for record in baseline}
        missing = next((record for record in records if record.question not in by_question), None)
        if missing is not None:
            raise UsageError(
                f"Probe '{missing.probe_id}' was asked of {arm} but not of the arm it is compared with.",
                f"Include the {BASELINE} arm in the run.",
            )
        self.pairs = [(record, by_question[record.question]) for record in records]

    def of(self, *kinds: ProbeKind) -> list[tuple[ProbeRecord, ProbeRecord]]:
        return [pair for pair in self.pairs if pair[0].kind in kinds]

    def share_right(self, kind: ProbeKind) -> Estimate:
        """Share of the probes of a kind that are answered right."""
        return _mean(self.of(kind), lambda own, _: own.ok)

    def right_difference(self, kind: ProbeKind) -> Estimate:
        """Share right minus the baseline's, paired per probe."""
        return _mean(self.of(kind), lambda own, base: own.ok - base.ok)

    def locality(self) -> Estimate:
        """Share of the prompts that must not change where no key leaked and the verdict is the baseline's."""
        return _mean(self.of(ProbeKind.LOCALITY), lambda own, base: own.ok and own.ok == base.ok)

    def retention(self) -> Estimate:
        """Of the general probes that the baseline gets right, the share still right."""
        return _mean([(own, base) for own, base in self.of(ProbeKind.GENERAL) if base.ok], lambda own, _: own.ok)

    def newly_right(self) -> Estimate:
        """Of the general probes that the baseline gets wrong, the share now right."""
        return _mean([(own, base) for own, base in self.of(ProbeKind.GENERAL) if not base.ok], lambda own, _: own.ok)

    def stale_rate(self) -> Estimate:
        """Of the prompts whose target was superseded, the share answered with the old target."""
        return _mean([pair for pair in self.pairs if pair[0].stale is not None], lambda own, _: bool(own.stale))

    def score(self) -> Estimate:
        """Mean score r over all probes that a correction should set right."""
        return _mean(self.of(*GAIN_KINDS), lambda own, _: own.score)

    def divergence(self) -> Estimate:
        """How far the words of what must not change are from the baseline's: 0 the same, 1 none in common."""
        return _mean(self.of(ProbeKind.LOCALITY), lambda own, base: word_distance(own.text, base.text))

    def gain(self) -> Estimate:
        """Mean score minus the baseline's, over all probes that a correction should set right."""
        return _mean(self.of(*GAIN_KINDS), lambda own, base: own.score - base.score)

    def normalised_gain(self) -> Estimate:
        """The gain as a share of what there was to gain: gain / (1 - mean score of the baseline)."""
        units: dict[str, tuple[float, float]] = {}
        for own, base in self.of(*GAIN_KINDS):
            above, below = units.get(own.unit, (0.0, 0.0))
            units[own.unit] = above + own.score - base.score, below + 1.0 - base.score
        return ratio_estimate(units.values())

    def lesson_found(self) -> Estimate:
        """Of the prompts that a correction should set right, the share given that correction's own lesson."""
        asked = [pair for pair in self.of(*GAIN_KINDS) if pair[0].right_lesson is not None]
        return _mean(asked, lambda own, _: bool(own.right_lesson))

    def false_retrieval(self) -> Estimate:
        """Of the general prompts, for which no lesson fits, the share given one all the same."""
        asked = [pair for pair in self.of(ProbeKind.GENERAL) if pair[0].lessons is not None]
        return _mean(asked, lambda own, _: bool(own.lessons))

    def commonest_misplaced(self) -> tuple[int, str]:
        """How often the answer most often given where it does not belong was given there, and that answer.

        An answer belongs where it is right; to a prompt that must not change, where the baseline says the same.
        The same right answer to several wordings of a question is thus no sign of collapse.
        """
        misplaced: Counter[str] = Counter()
        wording: dict[str, str] = {}
        for own, base in self.pairs:
            said = " ".join(words(own.text))
            unchanged = own.kind is not ProbeKind.LOCALITY or said == " ".join(words(base.text))
            if not (own.ok and unchanged):
                misplaced[said] += 1
                wording.setdefault(said, own.text)
        if not misplaced:
            return 0, ""
        said, times = misplaced.most_common(1)[0]
        return times, wording[said]

    def commonest_answer(self) -> Estimate:
        """Share of all prompts that got the commonest misplaced answer; a model that collapses nears 1."""
        times, _ = self.commonest_misplaced()
        return Estimate(times / len(self.pairs) if self.pairs else None, None, None, len(self.pairs))

    def average(self, value: Callable[[ProbeRecord], float]) -> Estimate:
        """Mean of a cost over all probes."""
        return _mean(self.pairs, lambda own, _: value(own))


def _measures(answers: Answers) -> ArmMeasures:
    return {
        "reliability": answers.share_right(ProbeKind.RELIABILITY),
        "rephrase": answers.share_right(ProbeKind.REPHRASE),
        "locality": answers.locality(),
        "portability": answers.share_right(ProbeKind.PORTABILITY),
        "transfer": answers.share_right(ProbeKind.TRANSFER),
        "retention": answers.retention(),
        "prompt_tokens": answers.average(lambda record: record.prompt_tokens),
        "cut": answers.average(lambda record: record.cut),
        "newly_right": answers.newly_right(),
        "stale_rate": answers.stale_rate(),
        "gain": answers.gain(),
        "normalised_gain": answers.normalised_gain(),
        "commonest_answer": answers.commonest_answer(),
        "induction": answers.share_right(ProbeKind.INDUCTION),
        "divergence": answers.divergence(),
        "score": answers.score(),
        "lesson_found": answers.lesson_found(),
        "false_retrieval": answers.false_retrieval(),
    }


def word_distance(one: str, other: str) -> float:
    """1 minus the share of words that two texts have in common in the same order (Ratcliff and Obershelp)."""
    if one == other:
        return 0.0
    return 1.0 - SequenceMatcher(None, words(one), words(other), autojunk=False).ratio()


def _mean(
    pairs: Iterable[tuple[ProbeRecord, ProbeRecord]], value: Callable[[ProbeRecord, ProbeRecord], float]
) -> Estimate:
    by_unit: dict[str, list[float]] = {}
    for own, base in pairs:
        by_unit.setdefault(own.unit, []).append(float(value(own, base)))
    return mean_estimate(by_unit)
