"""Then and now: every answer ever given to one prompt, named by what the studio had learnt by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from studio.domain.generation import FinishReason
from studio.domain.log import Answer, Correction
from studio.evaluation.checks import judge
from studio.services.record_correction import same_question
from studio.services.studio import Studio, off_loop


@dataclass(frozen=True, slots=True)
class Moment:
    """An answer at a point of the story. `ok` None where no correction of this prompt is in force."""

    label: str
    at: datetime
    arm: str
    text: str
    ok: bool | None
    adapter_version: int | None


async def then_and_now(studio: Studio, prompt: str) -> list[Moment]:
    """Oldest first; of several answers of one arm at one stage only the last, for stages are what one steps through."""

    def read() -> list[Moment]:
        corrections = [c for c in studio.log.corrections.all() if same_question(c.prompt, prompt) and not c.undone]
        answers = [a for a in studio.log.answers.to_prompt(prompt) if a.finish_reason is not FinishReason.FAILED]
        in_force = next((c for c in reversed(corrections) if c.in_force), None)
        stages: dict[tuple[str, str], Moment] = {}
        for answer in answers:
            label = _stage(answer, corrections)
            ok = judge(answer.text, in_force.check).ok if in_force else None
            version = answer.given.adapter_version
            stages.pop((label, answer.arm), None)
            stages[label, answer.arm] = Moment(label, answer.created_at, answer.arm, answer.text, ok, version)
        for number, correction in enumerate(corrections, 1):
            label = "your correction" if len(corrections) == 1 else f"your correction {number}"
            stages[label, "you"] = Moment(label, correction.created_at, "you", correction.corrected, None, None)
        return sorted(stages.values(), key=lambda moment: moment.at)

    return await off_loop(read)


def _stage(answer: Answer, corrections: list[Correction]) -> str:
    if any(correction.answer_id == answer.id for correction in corrections):
        return "when it was corrected"
    made_by_then = sum(correction.created_at <= answer.created_at for correction in corrections)
    if not made_by_then:
        return "before"
    if answer.given.adapter_version is not None:
        return f"with adapter v{answer.given.adapter_version}"
    return "after the correction" if made_by_then == 1 else f"after correction {made_by_then}"
