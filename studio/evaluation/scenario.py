"""Scenarios: corrections of several days with the questions that judge what became of them.

What a learner may see (`TaughtCorrection`) is a type of its own: whoever teaches is handed only that, so judged
text cannot reach a learner.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from studio.domain.checks import Check
from studio.domain.nights import Probe, ProbeKind
from studio.errors import UsageError


class CorrectionKind(StrEnum):
    FACT = "fact"
    STYLE = "style"


@dataclass(frozen=True, slots=True)
class TaughtCorrection:
    """The part of a correction that a learner may see. `id` and `supersedes` link corrections, no more."""

    id: str
    prompt: str
    target: str
    rationale: str
    supersedes: str | None


@dataclass(frozen=True, slots=True)
class JudgedPrompt:
    """A question and the check of its answer."""

    prompt: str
    check: Check


@dataclass(frozen=True, slots=True)
class ScenarioCorrection:
    """One correction and everything by which it is judged. `day` counts from 1; a night falls between days."""

    taught: TaughtCorrection
    day: int
    kind: CorrectionKind
    check: Check
    rephrase: tuple[str, ...]
    locality: tuple[JudgedPrompt, ...]
    portability: tuple[JudgedPrompt, ...]
    transfer: tuple[JudgedPrompt, ...]

    @property
    def id(self) -> str:
        return self.taught.id


@dataclass(frozen=True, slots=True)
class InductionPrompt:
    """An unseen instance of a rule that is nowhere stated as one: the corrections named share it."""

    id: str
    rule: str
    correction_ids: tuple[str, ...]
    prompt: str
    check: Check

    @property
    def unit(self) -> str:
        """What is resampled for intervals: instances of one rule stand or fall together."""
        return f"rule:{self.rule}"


@dataclass(frozen=True, slots=True)
class ScenarioProbe:
    """A question to ask on a certain day. `probe.correction_id` is the correction in force that it belongs to.

    `superseded` are the checks of earlier targets; `day` is that of the correction in force (0 for general probes).
    """

    probe: Probe
    superseded: tuple[Check, ...] = ()
    day: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    description: str
    corrections: tuple[ScenarioCorrection, ...]
    general: tuple[Probe, ...]
    induction: tuple[InductionPrompt, ...] = ()

    @property
    def days(self) -> tuple[int, ...]:
        """The days on which corrections are made, in order."""
        return tuple(sorted({correction.day for correction in self.corrections}))

    def made_by(self, day: int) -> tuple[ScenarioCorrection, ...]:
        """The corrections made until the end of a day, superseded ones included."""
        return tuple(correction for correction in self.corrections if correction.day <= day)

    def in_force(self, day: int) -> tuple[ScenarioCorrection, ...]:
        """The corrections in force at the end of a day."""
        return _standing(self.made_by(day))

    def probes(self, day: int) -> tuple[ScenarioProbe, ...]:
        """What to ask at the end of a day, judged by what is in force then.

        The prompt and rephrasings of a superseded correction are judged by the one that replaced it, and so count
        for that one; its one-hop uses and transfers have lost their right answer and are left out. An unseen
        instance of a rule is asked once all corrections that share the rule have been made, while any of them is in
        force; it counts for the rule.
        """
        return self.probes_after(self.made_by(day))

    def probes_after(self, made: Sequence[ScenarioCorrection]) -> tuple[ScenarioProbe, ...]:
        """The same once these corrections were made, perhaps in the middle of a day."""
        standing = _standing(made)
        of_corrections = [probe for current in standing for probe in _probes_of(current, _replaced_by(current, made))]
        in_force = {correction.id for correction in standing}
        days = {correction.id: correction.day for correction in made}
        of_rules = [
            ScenarioProbe(
                Probe(f"{rule.rule}/induction/{rule.id}", ProbeKind.INDUCTION, rule.prompt, rule.check, rule.unit),
                day=max(days[name] for name in rule.correction_ids),
            )
            for rule in self.induction
            if days.keys() >= set(rule.correction_ids) and not in_force.isdisjoint(rule.correction_ids)
        ]
        return (*of_corrections, *of_rules)


def given_and_shuffled_orders(
    corrections: Sequence[ScenarioCorrection], orders: int, seed: int
) -> tuple[tuple[ScenarioCorrection, ...], ...]:
    """The given order, then `orders - 1` seeded shuffles within days; what supersedes stays behind what it replaces.

    Raises UsageError if fewer than one order is asked for.
    """
    if orders < 1:
        raise UsageError(f"A scenario runs in at least one order, not {orders}.", "Give --orders 1 or more.")
    generator = random.Random(seed)  # noqa: S311
    shuffled = (_shuffled_within_days(corrections, generator) for _ in range(orders - 1))
    return (tuple(corrections), *shuffled)


def _shuffled_within_days(
    corrections: Sequence[ScenarioCorrection], generator: random.Random
) -> tuple[ScenarioCorrection, ...]:
    position = {correction.id: i for i, correction in enumerate(corrections)}
    first_of: dict[str, str] = {}  # the first correction of the chain that each belongs to
    for correction in corrections:
        replaced = correction.taught.supersedes
        first_of[correction.id] = first_of[replaced] if replaced is not None else correction.id
    shuffled: list[ScenarioCorrection] = []
    for day in sorted({correction.day for correction in corrections}):
        todays = [correction for correction in corrections if correction.day == day]
        generator.shuffle(todays)
        chains: dict[str, list[ScenarioCorrection]] = {}
        for correction in sorted(todays, key=lambda c: position[c.id], reverse=True):
            chains.setdefault(first_of[correction.id], []).append(correction)
        # Each place goes to its chain; within a chain the older comes first.
        shuffled += [chains[first_of[correction.id]].pop() for correction in todays]
    return tuple(shuffled)


def _standing(made: Sequence[ScenarioCorrection]) -> tuple[ScenarioCorrection, ...]:
    superseded = {correction.taught.supersedes for correction in made}
    return tuple(correction for correction in made if correction.id not in superseded)


def _replaced_by(current: ScenarioCorrection, made: Iterable[ScenarioCorrection]) -> list[ScenarioCorrection]:
    by_id = {correction.id: correction for correction in made}
    replaced: list[ScenarioCorrection] = []
    before = current.taught.supersedes
    while before is not None:
        replaced.append(by_id[before])
        before = by_id[before].taught.supersedes
    return replaced


def _probes_of(current: ScenarioCorrection, replaced: Sequence[ScenarioCorrection]) -> list[ScenarioProbe]:
    superseded = tuple(old.check for old in replaced)

    def probe(owner: ScenarioCorrection, kind: ProbeKind, number: int, prompt: str, check: Check) -> ScenarioProbe:
        told = Probe(f"{owner.id}/{kind}/{number}", kind, prompt, check, current.id)
        is_same_question = kind in (ProbeKind.RELIABILITY, ProbeKind.REPHRASE)
        return ScenarioProbe(told, superseded if is_same_question else (), current.day)

    found: list[ScenarioProbe] = []
    for owner in (current, *replaced):
        found.append(probe(owner, ProbeKind.RELIABILITY, 1, owner.taught.prompt, current.check))
        found += [probe(owner, ProbeKind.REPHRASE, i, text, current.check) for i, text in enumerate(owner.rephrase, 1)]
        judged = [(ProbeKind.LOCALITY, owner.locality)]
        if owner is current:
            judged += [(ProbeKind.PORTABILITY, owner.portability), (ProbeKind.TRANSFER, owner.transfer)]
        found += [
            probe(owner, kind, i, q.prompt, q.check) for kind, questions in judged for i, q in enumerate(questions, 1)
        ]
    return found
