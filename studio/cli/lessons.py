"""`studio lessons`: list, show, edit, pin, retire, restore."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from studio.cli.frame import Frame, json_option, one_line, pass_frame, print_json
from studio.cli.ids import find_id
from studio.cli.say import say
from studio.domain.lessons import Lesson, LessonStatus, Scope
from studio.errors import NotFoundError, UsageError
from studio.services import browse_lessons

if TYPE_CHECKING:
    from studio.services.studio import Studio

_TEXTS = ("guidance", "example_question", "example_answer")


@click.group()
def lessons() -> None:
    """What the corrections taught."""


def state_of(lesson: Lesson) -> str:
    """A lesson's state in a few words."""
    if lesson.status is LessonStatus.RETIRED:
        return f"retired ({lesson.retired_reason})" if lesson.retired_reason else "retired"
    marks = [word for word, holds in (("pinned", lesson.pinned), ("weak", lesson.weak)) if holds]
    return ", ".join(["active", *marks])


async def _find(studio: Studio, lesson_id: str) -> Lesson:
    """The lesson of this id, or of an unambiguous part of one."""
    known = {lesson.id: lesson for lesson in await browse_lessons.lessons(studio)}
    titles = {lesson.id: lesson.title for lesson in known.values()}
    return known[find_id(lesson_id, "lesson", titles, "studio lessons list --all")]


@lessons.command("list")
@click.option("--all", "include_retired", is_flag=True, help="Retired ones too.")
@click.option("--label", default="", help="Only those of questions of which a correction carries this label.")
@json_option
@pass_frame
def list_lessons(frame: Frame, include_retired: bool, label: str, as_json: bool) -> None:
    """List the lessons in use."""

    async def use(studio: Studio) -> tuple[list[Lesson], dict[str, tuple[str, ...]]]:
        return await browse_lessons.lessons(studio), await browse_lessons.labels_of_lessons(studio)

    every, labels = frame.run(use)
    if label and not any(label in carried for carried in labels.values()):
        known = sorted({name for carried in labels.values() for name in carried})
        raise NotFoundError(
            f"No lesson has the label '{one_line(label)}'.",
            f"There are: {one_line(', '.join(known))}." if known else "studio correct --label gives a correction one.",
        )
    found = [
        lesson
        for lesson in every
        if (include_retired or lesson.status is LessonStatus.ACTIVE)
        and (not label or label in labels.get(lesson.id, ()))
    ]
    if as_json:
        print_json([{**_fields(lesson), "labels": labels.get(lesson.id, ())} for lesson in found])
        return
    for lesson in found:
        say(f"{lesson.id}  {state_of(lesson):16}  {one_line(lesson.title)}")
    if not found and label:
        say("Every lesson with this label is retired: --all lists them.")
    elif not found:
        say('No lessons yet. Correct an answer in the app, or with: studio correct --prompt "…" --answer "…"')


@lessons.command()
@click.argument("lesson_id")
@json_option
@pass_frame
def show(frame: Frame, lesson_id: str, as_json: bool) -> None:
    """Show one lesson, where it comes from and where it was used."""

    async def use(studio: Studio) -> dict[str, Any]:
        lesson = await _find(studio, lesson_id)
        return {
            **_fields(lesson),
            "sources": [dataclasses.asdict(c) for c in await browse_lessons.lesson_sources(studio, lesson.id)],
            "uses": [dataclasses.asdict(u) for u in await browse_lessons.lesson_uses(studio, lesson.id)],
        }

    shown = frame.run(use)
    if as_json:
        print_json(shown)
        return
    for name in ("id", "title", "kind", "status", "scope", "holds_for", "applies_when", *_TEXTS):
        say(f"{name.replace('_', ' '):17} {shown[name]!s}")
    for source in shown["sources"]:
        say(f"{'source':17} {source['id']}  {one_line(source['prompt'])}")
    for lesson_use in shown["uses"][:20]:
        say(f"{'used':17} {lesson_use['score']:.2f}  {lesson_use['arm']}  {one_line(lesson_use['prompt'])}")


@lessons.command()
@click.argument("lesson_id")
@click.option("--title")
@click.option("--applies-when")
@click.option("--guidance")
@click.option("--example-question")
@click.option("--example-answer")
@click.option(
    "--scope", metavar="KIND", help="Which answers a rule of style holds for: every, dates, lists, like lists ..."
)
@pass_frame
def edit(frame: Frame, /, lesson_id: str, scope: str | None, **fields: str | None) -> None:
    """Change a lesson's text, or which answers a rule of style holds for.

    A few words may follow the kind of answer, of which the question must have one: 'messages with student, pupil'.
    """
    changes: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if scope is not None:
        changes["scope"] = Scope.parse(scope)
    if not changes:
        raise UsageError(
            "Nothing to change was given.", "Use --title, --applies-when, --guidance, --scope or the example options."
        )

    async def use(studio: Studio) -> Lesson:
        return await browse_lessons.edit_lesson(studio, dataclasses.replace(await _find(studio, lesson_id), **changes))

    _report(frame.run(use))


@lessons.command()
@click.argument("lesson_id")
@click.option("--off", is_flag=True, help="Unpin it.")
@pass_frame
def pin(frame: Frame, lesson_id: str, off: bool) -> None:
    """Give a lesson to every question."""

    async def use(studio: Studio) -> Lesson:
        return await browse_lessons.pin_lesson(studio, (await _find(studio, lesson_id)).id, not off)

    _report(frame.run(use))


@lessons.command()
@click.argument("lesson_id")
@pass_frame
def retire(frame: Frame, lesson_id: str) -> None:
    """Take a lesson out of use; it is kept and can be restored."""

    async def use(studio: Studio) -> Lesson:
        return await browse_lessons.retire_lesson(studio, (await _find(studio, lesson_id)).id)

    _report(frame.run(use))


@lessons.command()
@click.argument("lesson_id")
@pass_frame
def restore(frame: Frame, lesson_id: str) -> None:
    """Put a retired lesson back into use."""

    async def use(studio: Studio) -> Lesson:
        return await browse_lessons.restore_lesson(studio, (await _find(studio, lesson_id)).id)

    _report(frame.run(use))


def _fields(lesson: Lesson) -> dict[str, Any]:
    return {**dataclasses.asdict(lesson), "scope": str(lesson.scope), "holds_for": lesson.scope.in_words}


def _report(lesson: Lesson) -> None:
    say(f"{lesson.id}  {state_of(lesson)}  {one_line(lesson.title)}")
