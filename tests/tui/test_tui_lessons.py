"""The lesson browser as a user drives it: find, read, edit, pin, retire, restore, and where a lesson comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from studio_fakes import fake_studio
from textual.widgets import Input, TextArea
from tui_driving import AppPilot, notices, settled, shown, until, write
from tui_values import HOSTILE, QUESTION, a_lesson, add_correction, add_lessons, add_use

from studio.domain.lessons import Lesson, LessonKind, LessonStatus, Scope, ScopeKind
from studio.services.studio import Studio
from studio.tui.app import StudioApp
from studio.tui.screens.lesson_detail import DetailTab, LessonDetail
from studio.tui.screens.lesson_list import LessonList
from studio.tui.screens.lessons import LessonsScreen
from studio.tui.widgets.dialogs import ConfirmDialog
from studio.tui.widgets.pick_dialog import PickDialog

SIZES = [(80, 24), (120, 36), (200, 50)]


def screen(pilot: AppPilot) -> LessonsScreen:
    app = pilot.app
    assert isinstance(app, StudioApp)
    base = app.base_screen("lessons")
    assert isinstance(base, LessonsScreen)
    return base


def listed(pilot: AppPilot) -> list[str]:
    return [lesson.title for lesson in screen(pilot).query_one(LessonList).lessons]


def stored(studio: Studio, lesson: Lesson) -> Lesson:
    return studio.log.lessons.get(lesson.id)


async def open_lessons(pilot: AppPilot, count: int) -> None:
    await pilot.press("f4")
    await until(pilot, lambda: isinstance(pilot.app.screen, LessonsScreen))
    await until(pilot, lambda: len(listed(pilot)) == count and screen(pilot)._loaded)
    await settled(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_lists_lessons_and_shows_the_chosen_one_in_full(tmp_path: Path, size: tuple[int, int]) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, a_lesson("Opening hours"), a_lesson("Refund window", pinned=True, weak=True))
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await open_lessons(pilot, 2)
        assert listed(pilot) == ["Refund window", "Opening hours"], "newest first"
        text = shown(pilot)
        for words in ("pinned, weak", "questions about refunds", "Say that the refund window is 45 days.", QUESTION):
            assert words in text
        assert "given with every question" in text


@pytest.mark.parametrize("size", [*SIZES, (40, 10)])
async def test_says_what_to_do_where_there_is_none(tmp_path: Path, size: tuple[int, int]) -> None:
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=size) as pilot:
        await open_lessons(pilot, 0)
        assert "No lessons yet." in shown(pilot)


async def test_filters_as_one_types_by_text_and_by_state(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, a_lesson("Opening hours"), a_lesson("Refund window"), a_lesson("Old prices", pinned=True))
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_lessons(pilot, 3)
        await pilot.press("s")
        await write(pilot, "hours")
        await until(pilot, lambda: listed(pilot) == ["Opening hours"])
        assert "1 of 3 lessons" in shown(pilot)
        screen(pilot).query_one("#lessons-filter", Input).value = "pinned PRICES"
        await until(pilot, lambda: listed(pilot) == ["Old prices"])
        screen(pilot).query_one("#lessons-filter", Input).value = "no such words"
        await until(pilot, lambda: "No lesson has all these words" in shown(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: len(listed(pilot)) == 3)


async def test_filters_by_label_typed_or_chosen_and_says_which_a_lesson_has(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    correction = add_correction(studio, labels=("tone", "too long"))
    add_lessons(studio, a_lesson("Opening hours"), a_lesson("Polite", source_ids=(correction.id,)))
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_lessons(pilot, 2)
        await pilot.press("s")
        await write(pilot, "label:tone")
        await until(pilot, lambda: listed(pilot) == ["Polite"])
        assert "Labels: tone, too long" in shown(pilot)
        await pilot.press("escape", "l")
        await until(pilot, lambda: isinstance(app.screen, PickDialog))
        await pilot.press(*"too", "enter")
        filters = screen(pilot).query_one("#lessons-filter", Input)
        await until(pilot, lambda: filters.value == "label:too_long" and listed(pilot) == ["Polite"])
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, PickDialog))
        await pilot.press(*"all", "enter")
        await until(pilot, lambda: len(listed(pilot)) == 2)


async def test_says_how_many_are_given_and_how_many_are_not(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, a_lesson("Old", status=LessonStatus.RETIRED), a_lesson("New"))
    async with StudioApp(studio).run_test(size=(80, 24)) as pilot:
        await open_lessons(pilot, 2)
        assert "1 lesson in use, 1 retired; newest first" in shown(pilot)
        await pilot.press("l")
        await until(pilot, lambda: any("No correction has a label yet" in told for told in notices(pilot)))


async def test_thousands_of_lessons_are_listed_and_filtered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [a_lesson(f"Lesson {number}") for number in range(5000)]

    async def all_of_them(studio: Studio) -> list[Lesson]:
        return list(many)

    monkeypatch.setattr("studio.services.browse_lessons.lessons", all_of_them)
    app = StudioApp(fake_studio(tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 5000)
        await pilot.press("end")
        await until(pilot, lambda: "Lesson 0 " in shown(pilot))
        await pilot.press("s")
        await write(pilot, "lesson 4999")
        await until(pilot, lambda: listed(pilot) == ["Lesson 4999"])


async def test_pins_retires_and_restores(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    lesson = a_lesson()
    add_lessons(studio, lesson)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 1)
        await pilot.press("p")
        await until(pilot, lambda: stored(studio, lesson).pinned)
        await settled(pilot)
        await pilot.press("x")
        await until(pilot, lambda: stored(studio, lesson).status is LessonStatus.RETIRED)
        await until(pilot, lambda: "retired by hand" in shown(pilot))
        await pilot.press("o")
        await until(pilot, lambda: stored(studio, lesson).status is LessonStatus.ACTIVE)
        await until(pilot, lambda: "State: active" in shown(pilot))


async def test_a_retired_lesson_names_the_newer_one(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    newer = a_lesson("Newer window")
    retired = a_lesson(
        "Older window", status=LessonStatus.RETIRED, retired_reason="it says otherwise", replaced_by=newer.id
    )
    add_lessons(studio, newer, retired)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 2)
        text = " ".join(shown(pilot).replace("│", " ").split())
        assert "it says otherwise" in text
        assert "replaced by 'Newer window'" in text


async def test_edits_in_place_and_saves(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    lesson = a_lesson(weak=True)
    add_lessons(studio, lesson)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        await write(pilot, " px")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: stored(studio, lesson).revision == 2)
        assert stored(studio, lesson).guidance == f"{lesson.guidance} px"
        assert not stored(studio, lesson).weak, "edited by hand it is the user's word"
        await until(pilot, lambda: not screen(pilot).query_one(LessonDetail).editing)
        await until(pilot, lambda: "45 days. px" in shown(pilot))


async def test_a_lesson_without_guidance_is_refused_and_the_form_stays(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    lesson = a_lesson()
    add_lessons(studio, lesson)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        screen(pilot).query_one("#field-guidance", TextArea).load_text("  ")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("needs a title and guidance" in notice for notice in notices(pilot)))
        assert screen(pilot).query_one(LessonDetail).editing
        assert stored(studio, lesson).revision == 1


async def test_shows_which_answers_a_rule_holds_for_and_lets_one_change_it(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    rule = a_lesson("Dates as ISO", kind=LessonKind.STYLE, scope=Scope(ScopeKind.DATES))
    add_lessons(studio, rule)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 1)
        assert "Holds for: answers with a date" in shown(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        scope = screen(pilot).query_one("#field-scope", TextArea)
        assert scope.text == "dates"
        scope.load_text("everything")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any("no scope of a lesson" in notice for notice in notices(pilot)))
        assert screen(pilot).query_one(LessonDetail).editing
        scope.load_text("messages with student")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: stored(studio, rule).scope == Scope(ScopeKind.MESSAGES, ("student",)))
        await until(pilot, lambda: "Holds for: messages, letters" in shown(pilot))


async def test_leaving_a_changed_form_asks_first(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    lesson = a_lesson()
    add_lessons(studio, lesson)
    app = StudioApp(studio)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_lessons(pilot, 1)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, TextArea))
        await pilot.press("x", "escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LessonsScreen))
        assert screen(pilot).query_one(LessonDetail).editing
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: not screen(pilot).query_one(LessonDetail).editing)
        assert stored(studio, lesson) == lesson


@pytest.mark.parametrize("size", SIZES)
async def test_shows_the_source_correction_with_its_change(tmp_path: Path, size: tuple[int, int]) -> None:
    studio = fake_studio(tmp_path)
    correction = add_correction(studio, rationale=HOSTILE)
    add_lessons(studio, a_lesson(source_ids=(correction.id,)))
    app = StudioApp(studio)
    async with app.run_test(size=size) as pilot:
        await open_lessons(pilot, 1)
        await pilot.press("g")
        await until(pilot, lambda: "{+45+}" in shown(pilot))
        text = shown(pilot)
        assert "It is [-30-]{+45+} days." in text
        assert "[bold]markup[/bold] ␛[31m {{ braces }}" in text
        await pilot.press("g")
        assert screen(pilot).query_one(LessonDetail).tab is DetailTab.LESSON


async def test_shows_the_answers_a_lesson_was_used_in(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    unused, lesson = a_lesson("Unused"), a_lesson()
    add_lessons(studio, unused, lesson)
    add_use(studio, lesson, f"It is 45 days. {HOSTILE}")
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await open_lessons(pilot, 2)
        await pilot.press("u")
        await until(pilot, lambda: "0.71" in shown(pilot))
        await until(pilot, lambda: "It is 45 days. [bold]markup" in shown(pilot))
        await pilot.press("down")
        await until(pilot, lambda: "Not given to any answer yet" in shown(pilot))


async def test_hostile_titles_are_drawn_as_text_in_a_tiny_window(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, a_lesson(HOSTILE))
    app = StudioApp(studio)
    async with app.run_test(size=(40, 10)) as pilot:
        await open_lessons(pilot, 1)
        assert "[bold]markup[/bold] ␛[31m" in shown(pilot)
        assert "\x1b" not in shown(pilot)


async def test_a_click_chooses_a_lesson(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    add_lessons(studio, *(a_lesson(f"Lesson {number}") for number in range(5)))
    app = StudioApp(studio)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_lessons(pilot, 5)
        await pilot.click(LessonList, offset=(3, 2))
        lesson = screen(pilot).query_one(LessonList).highlighted
        assert lesson is not None
        assert lesson.title == "Lesson 2"


async def test_the_footer_offers_only_what_there_is_something_for(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    app = StudioApp(studio)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f4")
        await settled(pilot)
        assert not {"s", "e", "p", "x", "g", "u", "escape"} & set(app.screen.active_bindings)
        add_lessons(studio, a_lesson())
        app.log_changed()
        await until(pilot, lambda: {"s", "e", "p", "x", "g", "u"} <= set(app.screen.active_bindings))
        assert "escape" not in app.screen.active_bindings
        await pilot.press("g")
        await until(pilot, lambda: "escape" in app.screen.active_bindings)
        await pilot.press("escape")
        await until(pilot, lambda: "escape" not in app.screen.active_bindings)
