"""A log of three days with something learnt, something forgotten and something gone stale, for tests of reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from studio.domain.checks import Check
from studio.domain.generation import FinishReason
from studio.domain.identity import new_id
from studio.domain.log import Answer, Conversation, Correction, Feedback, Given, Turn
from studio.domain.nights import Adapter, Night, NightState
from studio.storage import DuckDbLog

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \x1b[31m{{ 7 * 7 }} $x_1$"


def at(day: int, minute: int) -> datetime:
    return START + timedelta(days=day - 1, minutes=minute)


def answer(
    log: DuckDbLog, prompt: str, arm: str, text: str, when: datetime, reason: FinishReason = FinishReason.STOP
) -> Answer:
    conversation = Conversation(new_id(), "Talk", when, when)
    turn = Turn(new_id(), conversation.id, 0, prompt, when)
    given = Answer(new_id(), turn.id, arm, text, reason, Given(), (), 40, 4, 0.05, 0.4, when)
    log.conversations.add(conversation)
    log.conversations.add_turn(turn)
    log.answers.add([given])
    return given


def correct(
    log: DuckDbLog,
    prompt: str,
    right: str,
    when: datetime,
    *,
    of: Answer | None = None,
    supersedes: str | None = None,
    labels: tuple[str, ...] = (),
) -> Correction:
    correction = Correction(
        id=new_id(),
        prompt=prompt,
        corrected=f"It is {right}.",
        original="I guess.",
        created_at=when,
        check=Check(include=((right,),)),
        answer_id=of.id if of else None,
        supersedes=supersedes,
        labels=labels,
    )
    log.corrections.add(correction)
    return correction


def story_log(folder: Path) -> DuckDbLog:
    """Six questions, corrected on day 1 and asked again on days 2 and 3 of frozen and lessons.

    Frozen is always wrong. Lessons gets q0 to q3 right on day 2; on day 3 it has forgotten q1 (whose question holds
    markup), and gives of q2, superseded on day 3, the old answer. An answer of its own was accepted before q4 was
    corrected again. The corrections of q0 and q1 have the label 'tone', the first one of q2 a hostile one.
    """
    log = DuckDbLog(folder / "sessions" / "studio.duckdb", folder / "sessions" / "backups")
    prompts = [f"What is q{number}? {HOSTILE if number == 1 else ''}" for number in range(6)]
    made = []
    for number, prompt in enumerate(prompts):
        wrong = answer(log, prompt, "frozen", "I guess.", at(1, number))
        labels = ("tone",) if number < 2 else (HOSTILE,) if number == 2 else ()
        made.append(correct(log, prompt, f"right{number}", at(1, 30 + number), of=wrong, labels=labels))
    for number, prompt in enumerate(prompts):
        answer(log, prompt, "frozen", "I guess.", at(2, number))
        said = f"It is right{number}." if number < 4 else "I guess."
        fine = answer(log, prompt, "lessons", said, at(2, number))
        if number == 4:
            log.answers.add_feedback(fine.id, Feedback.ACCEPTED, at(2, 10))
    correct(log, prompts[2], "new2", at(3, 0), supersedes=made[2].id)
    correct(log, prompts[4], "new4", at(3, 1), supersedes=made[4].id)
    answer(log, prompts[1], "lessons", f"No longer. {HOSTILE}", at(3, 5))
    answer(log, prompts[2], "lessons", "It is right2.", at(3, 6))
    answer(log, prompts[3], "lessons", "It is", at(3, 7), FinishReason.CANCELLED)
    gone = correct(log, prompts[5], "undone5", at(3, 8))
    log.corrections.set_undone(gone.id, True, at(3, 9))
    _nights(log)
    return log


def _nights(log: DuckDbLog) -> None:
    verdicts = [(NightState.KEPT, "Kept: too little gain."), (NightState.PROMOTED, f"Promoted: {HOSTILE}")]
    for version, (state, reason) in enumerate(verdicts, 1):
        night = Night(
            id=new_id(),
            state=state,
            started_at=at(version, 600),
            model_sha256="m",
            correction_ids=("a", "b"),
            config={"method": "lora"},
            metrics={"peak_rss_bytes": 900 * 2**20},
            reason=reason,
            finished_at=at(version, 612),
        )
        adapter = Adapter(new_id(), version, "m", night.id, f"v{version}", "s", "lora", 8, 0.75, at(version, 612))
        log.nights.add(night)
        log.adapters.add(adapter)
    log.adapters.activate("m", adapter.id, reason, at(2, 613))
