"""Every answer in the log to a question that was corrected, judged by what held when it was given.

Answers that the user asked for, and those to corrections re-asked in idle time (services/reask_probes.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from studio.domain.generation import FinishReason
from studio.domain.log import Correction, Said
from studio.domain.nights import ProbeResult
from studio.domain.same_question import folded
from studio.domain.stores import Log
from studio.evaluation.judging import is_stale, judge

_UNFINISHED = (FinishReason.FAILED, FinishReason.CANCELLED)


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """`after`: whether the question had been corrected by then; if not, its first correction judges.

    `made` counts the corrections of any question made by then. `stale`: not right, but what was right before;
    None where nothing had been superseded. `judged_by`: the id of the correction. `model` is the hash of the model that
    answered, `model_title` what it is called where people read of it; empty where that is not known.
    """

    question: str
    arm: str
    text: str
    at: datetime
    made: int
    after: bool
    ok: bool
    stale: bool | None
    judged_by: str
    model: str = ""
    model_title: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """All corrections, what was answered to the corrected questions, and to those re-asked when idle; oldest first."""

    corrections: Sequence[Correction]
    said: Sequence[Said]
    reasked: Sequence[ProbeResult]


def hear(log: Log) -> Heard:
    """What there is to judge, as it stands at one moment. Reads only."""
    with log.one_look():
        corrections = log.corrections.all()
        said = log.answers.said({folded(correction.prompt) for correction in corrections})
        return Heard(corrections, said, log.probes.results())


def judge_log(heard: Heard) -> list[JudgedAnswer]:
    """Oldest first. What failed or was stopped is left out, and so are undone corrections."""
    corrections = [correction for correction in heard.corrections if not correction.undone]
    by_question: dict[str, list[Correction]] = {}
    for correction in corrections:
        by_question.setdefault(folded(correction.prompt), []).append(correction)
    made = _Made(corrections)
    judged = []
    for one in heard.said:
        if one.finish_reason not in _UNFINISHED and (question := folded(one.prompt)) in by_question:
            own = by_question[question]
            # What an answer was corrected into was not known when it was given.
            known = [c for c in own if c.created_at <= one.created_at and c.answer_id != one.answer_id]
            text = _Text(one.arm, one.text, one.created_at, one.model_sha256)
            judged.append(_judged(text, known[-1] if known else own[0], made, after=bool(known)))
    judged += [
        _judged(_text_of(result), made.by_id[result.correction_id], made, after=True)
        for result in heard.reasked
        if result.correction_id in made.by_id
    ]
    return sorted(judged, key=lambda answer: answer.at)


class _Made:
    """The corrections that were not undone."""

    def __init__(self, corrections: Sequence[Correction]) -> None:
        self.by_id = {correction.id: correction for correction in corrections}
        self._times = sorted(correction.created_at for correction in corrections)
        self._replaced: dict[str, list[Correction]] = {}
        self._latest_prompt = {folded(correction.prompt): correction.prompt for correction in corrections}
        for correction in corrections:
            if correction.superseded_by is not None:
                self._replaced.setdefault(correction.superseded_by, []).append(correction)

    def until(self, at: datetime) -> int:
        """How many were made by then."""
        return bisect_right(self._times, at)

    def replaced_by(self, correction: Correction) -> list[Correction]:
        """All that it superseded, and what those had, in whichever wording."""
        found: dict[str, Correction] = {}
        ahead = [correction]
        while ahead:
            older = [one for one in self._replaced.get(ahead.pop().id, ()) if one.id not in found]
            found |= {one.id: one for one in older}
            ahead += older
        return list(found.values())

    def question(self, prompt: str) -> str:
        """As it was written last."""
        return self._latest_prompt[folded(prompt)]


@dataclass(frozen=True, slots=True)
class _Text:
    arm: str
    text: str
    at: datetime
    model: str
    model_title: str = ""


def _text_of(result: ProbeResult) -> _Text:
    return _Text(result.arm, result.text, result.created_at, result.model_sha256, result.model_name)


def _judged(said: _Text, correction: Correction, made: _Made, *, after: bool) -> JudgedAnswer:
    """By the correction, or by what held in its place when it was said."""
    held = _in_force(correction, said.at, made.by_id) if after else correction
    superseded = [older.check for older in made.replaced_by(held)] if after else []
    return JudgedAnswer(
        question=made.question(correction.prompt),
        arm=said.arm,
        text=said.text,
        at=said.at,
        made=made.until(said.at),
        after=after,
        ok=judge(said.text, held.check).ok,
        stale=is_stale(said.text, held.check, superseded),
        judged_by=held.id,
        model=said.model,
        model_title=said.model_title,
    )


def _in_force(correction: Correction, at: datetime, by_id: dict[str, Correction]) -> Correction:
    """The correction, or whatever had superseded it by then, perhaps in another wording of the question."""
    seen = {correction.id}
    while (newer := by_id.get(correction.superseded_by or "")) is not None:
        if newer.created_at > at or newer.id in seen:
            break
        seen.add(newer.id)
        correction = newer
    return correction
