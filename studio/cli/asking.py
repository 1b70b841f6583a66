"""`studio ask` and `studio correct`."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, json_option, pass_frame, print_json
from studio.cli.ids import find_id
from studio.cli.preferring import choose_blind
from studio.cli.say import say
from studio.domain.log import Answer, Origin, confidence
from studio.errors import EngineError, ModelError, UsageError
from studio.reporting.terminal_text import printable

if TYPE_CHECKING:
    from studio.services.answer_with_arms import ArmFailed, ArmFinished
    from studio.services.studio import Studio


@click.command()
@click.argument("prompt")
@click.option("--arm", "arms", multiple=True, help="An arm to answer with; may be repeated. Default: the chat arm.")
@click.option("--blind", is_flag=True, help="Shuffle the answers, hide the names, ask which is preferred.")
@click.option("--thinking", is_flag=True, help="Print what a reasoning model thought, too.")
@json_option
@pass_frame
def ask(frame: Frame, prompt: str, arms: tuple[str, ...], blind: bool, thinking: bool, as_json: bool) -> None:
    """Ask PROMPT of one or several arms and print their answers."""
    if blind and (as_json or len(set(arms)) < 2):
        raise UsageError("To choose between hidden names there must be two.", "Give --arm twice, and no --json.")

    as_it_comes = _AsItComes() if len(set(arms)) < 2 and not as_json and not thinking else None

    async def use(studio: Studio) -> tuple[list[ArmFinished], list[ArmFailed]]:
        finished, failed = await _ask(studio, prompt, arms, as_it_comes)
        if blind and len(finished) > 1:
            await choose_blind(studio, [one.answer for one in finished])
        return finished, failed

    finished, failed = frame.run(use)
    if as_json:
        print_json({"prompt": prompt, "answers": [answer_as_json(one) for one in finished]})
    elif as_it_comes:
        as_it_comes.end(finished)
    elif not blind or len(finished) < 2:
        _print_answers(finished, thinking=thinking)
    for one in failed[1:]:
        say(f"studio: {_failure(one)}", err=True)
    if failed:
        raise _failure(failed[0])


class _AsItComes:
    """Prints one arm's answer while it is written."""

    def __init__(self) -> None:
        self._text = self._shown = ""

    def add(self, text: str) -> None:
        self._text += text
        # What steers a terminal may come in pieces: from there on nothing is shown before the whole is there.
        if printable(self._text) == self._text:
            say(text, nl=False)
            self._shown = self._text

    def end(self, finished: list[ArmFinished]) -> None:
        """The rest, and a line's end; of an answer that failed midway a line's end alone."""
        for one in finished:
            say(printable(one.answer.text).removeprefix(self._shown))
            _print_note(one)
            if words := len(one.answer.thinking.split()):
                say(f"(It thought {words:,} words first; --thinking prints them.)", err=True)
        if self._shown and not finished:
            say()


def _print_answers(finished: list[ArmFinished], *, thinking: bool) -> None:
    for one in finished:
        if thinking and one.answer.thinking:
            say(f"{one.answer.arm} thought:\n{printable(one.answer.thinking)}\n")
        say(f"{one.answer.arm}:\n{printable(one.answer.text)}")
        _print_note(one)
        say()


def _print_note(one: ArmFinished) -> None:
    if one.answer.given.note:
        say(f"({one.answer.given.note})", err=True)


def _failure(one: ArmFailed) -> EngineError:
    return EngineError(f"The arm {one.arm} could not answer: {one.message}", one.hint)


async def _ask(
    studio: Studio, prompt: str, arms: tuple[str, ...], as_it_comes: _AsItComes | None
) -> tuple[list[ArmFinished], list[ArmFailed]]:
    """The answers in the order of the arms, and the arms that could not answer."""
    from studio.services.answer_with_arms import ArmDelta, ArmFailed, ArmFinished, answer_with_arms
    from studio.services.converse import start_conversation
    from studio.services.learn_lessons import learn_pending

    recipes = [studio.arm(name) for name in dict.fromkeys(arms) or (studio.settings.chat.arm,)]
    await learn_pending(studio)
    if studio.passed_over:
        say(f"studio: {studio.passed_over}", err=True)
    if studio.notice:
        say(f"studio: {studio.notice}", err=True)
    conversation = await start_conversation(studio, origin=Origin.COMMAND)
    finished: dict[str, ArmFinished] = {}
    failed: list[ArmFailed] = []
    async for event in answer_with_arms(studio, prompt, recipes, conversation_id=conversation.id):
        if isinstance(event, ArmFailed):
            failed.append(event)
        elif isinstance(event, ArmFinished):
            finished[event.arm] = event
        elif as_it_comes and isinstance(event, ArmDelta):
            as_it_comes.add("" if event.is_thinking else event.text)
    return [finished[recipe.name] for recipe in recipes if recipe.name in finished], failed


def answer_as_json(finished: ArmFinished) -> dict[str, Any]:
    """An answer with its provenance, as `--json` prints it."""
    answer: Answer = finished.answer
    return {
        "id": answer.id,
        "arm": answer.arm,
        "text": answer.text,
        "thinking": answer.thinking,
        "finish_reason": answer.finish_reason,
        "ok": finished.verdict.ok if finished.verdict else None,
        "judged_as": finished.reworded or None,
        "given": dataclasses.asdict(answer.given),
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "ttft_s": round(answer.first_token_s, 4),
        "latency_s": round(answer.latency_s, 4),
        "confidence": confidence(answer.mean_log_probability),
    }


@click.command()
@click.option("--prompt", required=True, help="The question that was answered wrongly.")
@click.option("--answer", "corrected", required=True, help="What the answer should have been.")
@click.option("--original", default="", help="What the model had said.")
@click.option("--rationale", default="", help="Why, in your words.")
@click.option("--label", "labels", multiple=True, help="What kind of error it was; may be repeated.")
@click.option(
    "--supersedes", default=None, help="Id (or enough of it) of the earlier correction that this one replaces."
)
@json_option
@pass_frame
def correct(  # noqa: PLR0917 - click passes them by name
    frame: Frame,
    prompt: str,
    corrected: str,
    original: str,
    rationale: str,
    labels: tuple[str, ...],
    supersedes: str | None,
    as_json: bool,
) -> None:
    """Record a correction, learn its lesson, and try whether the lesson mends its own answer."""
    from studio.services.learn_lessons import learn_lesson, learn_pending, prove_lesson, replaced_with
    from studio.services.record_correction import record_correction

    async def use(studio: Studio) -> dict[str, Any]:
        correction = await record_correction(
            studio,
            answer=None,
            prompt=prompt,
            corrected=corrected,
            original=original,
            rationale=rationale,
            labels=labels,
            supersedes=None if supersedes is None else await _correction_id(studio, supersedes),
            origin=Origin.COMMAND,
        )
        # Said before the lesson is learnt: from here on the correction is on disk, come what may.
        say(f"Saved correction {correction.id}.", err=as_json)
        await learn_pending(studio)
        lesson = await learn_lesson(studio, correction)
        replaced = await replaced_with(studio, lesson, correction)
        # Without a model there is nothing to try it with; it stays as it is.
        with contextlib.suppress(ModelError):
            lesson = await prove_lesson(studio, lesson)
        return {
            "id": correction.id,
            "supersedes": correction.supersedes,
            "check": dataclasses.asdict(correction.check),
            "lesson": {"id": lesson.id, "title": lesson.title, "kind": lesson.kind, "weak": lesson.weak},
            "replaces": [{"id": old.id, "title": old.title} for old in replaced],
        }

    result = frame.run(use)
    if as_json:
        print_json(result)
    else:
        say(f"Lesson learnt: {result['lesson']['title']}")
        for old in result["replaces"]:
            say(f"It replaces the lesson {old['id']}: {old['title']}")
        if result["lesson"]["weak"]:
            say("It is marked weak: the model read it and still answered otherwise. Other words may help.")


async def _correction_id(studio: Studio, wanted: str) -> str:
    from studio.services.studio import off_loop

    prompts = {correction.id: correction.prompt for correction in await off_loop(studio.log.corrections.all)}
    return find_id(wanted, "correction", prompts, 'studio sql "FROM corrections"')
