"""`studio prefer`, and the choosing that `studio ask --blind` ends with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from studio.cli.frame import Frame, json_option, pass_frame, print_json
from studio.cli.say import say
from studio.domain.log import Answer
from studio.errors import UsageError
from studio.reporting.tables import plain_table

if TYPE_CHECKING:
    from studio.services.studio import Studio

FIGURES = ("arm", "compared", "preferred", "compared_blind", "preferred_blind")


@click.command()
@click.argument("answer_id", required=False)
@click.option("--undo", is_flag=True, help="Take the preference back.")
@json_option
@pass_frame
def prefer(frame: Frame, answer_id: str | None, undo: bool, as_json: bool) -> None:
    """Prefer the answer ANSWER_ID (`studio ask --json` prints ids) to those of the other arms.

    Without an id: how often each arm was preferred, and how often with names hidden (`studio ask --blind`).
    """
    from studio.services.record_correction import prefer_answer, withdraw_feedback
    from studio.services.studio import off_loop

    if answer_id is not None:
        frame.run(lambda studio: (withdraw_feedback if undo else prefer_answer)(studio, answer_id))
        say("Taken back." if undo else "Preferred.")
        return
    if undo:
        raise UsageError("Which preference is to be taken back?", "Give the id of the answer.")
    found = frame.run(lambda studio: off_loop(studio.log.answers.preferences))
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        rows = [[str(getattr(one, figure)) for figure in FIGURES] for one in found]
        say(plain_table([figure.replace("_", " ") for figure in FIGURES], rows))
    else:
        say('No preferences yet. Press v in Compare, or: studio ask "…" --arm frozen --arm lessons --blind')


async def choose_blind(studio: Studio, answers: Sequence[Answer]) -> None:
    """Show the answers shuffled and without names, keep which is preferred, and only then say whose they are."""
    from studio.services.record_correction import prefer_answer

    shuffled = list(answers)
    random.SystemRandom().shuffle(shuffled)
    for number, answer in enumerate(shuffled, 1):
        say(f"{number}:\n{answer.text}\n")
    chosen = click.prompt(
        "Which do you prefer? (0: none)", type=click.IntRange(0, len(shuffled)), default=0, show_default=False
    )
    if chosen:
        await prefer_answer(studio, shuffled[chosen - 1].id, blind=True)
    for number, answer in enumerate(shuffled, 1):
        say(f"{number}: {answer.arm}{' (preferred)' if number == chosen else ''}")
