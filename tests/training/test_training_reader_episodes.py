"""What a reader is trained on: episodes in the product's own form, from families that are not held out."""

from __future__ import annotations

import builtins
import io
import random
import re
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import studio.training
from studio.domain.arms import Memory
from studio.domain.checks import Check
from studio.domain.lessons import LessonKind
from studio.domain.log import Correction
from studio.lessons.distil import distil
from studio.prompting.assemble import PromptRequest, assemble, prompts_to_count
from studio.prompting.prompt_forms import READING_FORMS
from studio.training.examples import replay_prompts
from studio.training.lesson_finding import reader_tables, worlds
from studio.training.reader_episode import SHARES, Episode, EpisodeKind
from studio.training.reader_episodes import Episodes, split_families
from studio.training.reader_episodes_values import changed, fill
from studio.training.wordings import wordings

SYSTEM = "You are a helpful assistant."
KEPT = (EpisodeKind.NEAR_MISS, EpisodeKind.ABSENT)
CODE = re.compile(r"\w[_/:=]\w")


def drawn(count: int = 3000, seed: int = 0) -> list[Episode]:
    return list(islice(Episodes(split_families(seed)[0], seed), count))


def test_episodes_are_the_same_for_a_seed_and_others_for_another() -> None:
    assert drawn(200) == drawn(200)
    assert drawn(200) != drawn(200, seed=1)


def test_every_kind_comes_as_often_as_it_should() -> None:
    counts = Counter(episode.kind for episode in drawn())
    assert sum(SHARES.values()) == pytest.approx(1)
    assert all(abs(counts[kind] / 3000 - share) < 0.03 for kind, share in SHARES.items())


def test_no_held_out_family_is_trained_on() -> None:
    training, held_out = split_families(0)
    names = {table["id"] for table in held_out}
    assert not names & {table["id"] for table in training}
    assert 0.1 < len(names) / (len(training) + len(names)) < 0.2
    assert {table["kind"] for table in held_out} == {"fact", "indirect", "style", "world"}
    assert not names & {episode.family for episode in drawn()}
    # Nor does one come in as an unfitting lesson beside a question.
    asked = {text for table in held_out for text in table.get("ask", ()) if "{" not in text}
    asked |= {text for table in held_out for fact in table.get("facts", ()) for text in fact["ask"]}
    assert not asked & {given.lesson.example_question for episode in drawn() for given in episode.lessons}


def test_as_many_conclusions_are_yes_as_no_and_only_the_lesson_tells_which() -> None:
    said = Counter((one.answer or "").split()[0].strip(",:.") for one in drawn() if one.kind is EpisodeKind.ONE_HOP)
    assert said["Yes"] + said["No"] > 200
    assert 0.43 < said["Yes"] / (said["Yes"] + said["No"]) < 0.57


def test_a_lesson_is_given_in_the_form_the_product_gives_it() -> None:
    for episode in drawn(300):
        request = PromptRequest(episode.question, Memory.LESSONS, SYSTEM, lessons=episode.lessons, forms=READING_FORMS)
        counts = [1] * len(prompts_to_count(request))
        whole = assemble(request, counts, correction_budget=1000, prompt_limit=1000)
        assert episode.asked(SYSTEM) == whole.messages


def test_a_lesson_is_the_one_that_the_product_distils() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for given in (given for episode in drawn(300) for given in episode.lessons):
        lesson = given.lesson
        rule = lesson.guidance if lesson.kind is LessonKind.STYLE else ""
        correction = Correction("c", lesson.example_question, lesson.example_answer, "", now, Check(), rationale=rule)
        made = distil(correction, lesson_id="id", at=now)
        if made.kind is lesson.kind:  # whether a rule is recognised as one is the product's business
            assert (made.guidance, made.example_question, made.example_answer) == (
                lesson.guidance,
                lesson.example_question,
                lesson.example_answer,
            )


def test_sentences_begin_with_a_capital() -> None:
    """But for questions that are typed in haste on purpose, and for what is code."""
    tables = [table for _, table in reader_tables()]
    tables += [fact for world in worlds() for fact in world["facts"]]
    asked = [text for table in tables for part in ("ask", "hard", "near") for text in table.get(part, ())]
    asked += [use["q"] for table in tables for part in ("onehop", "transfer", "applies") for use in table.get(part, ())]
    hasty = tuple(text.split("{")[0] for text in (*asked, *replay_prompts()) if text[0].islower())
    for episode in drawn():
        lessons = [given.lesson for given in episode.lessons]
        for text in (episode.answer or "Any", *(lesson.guidance for lesson in lessons)):
            assert not text[0].islower() or CODE.search(text)
        framed = {text for lesson in lessons for text in wordings(lesson.example_question, 9)}
        for text in (episode.question, *(lesson.example_question for lesson in lessons)):
            assert not text[0].islower() or text in framed or text.startswith(hasty)


def test_a_slot_that_begins_a_sentence_is_capitalised_unless_it_is_code() -> None:
    row = {"value": "the red one", "command": "yarn peek:all"}
    assert fill("{value}. {value}? It is {value}.", row) == "The red one. The red one? It is the red one."
    assert fill("{command}", row) == "yarn peek:all"


def test_where_nothing_fits_the_frozen_models_answer_to_the_bare_question_is_kept() -> None:
    for episode in drawn(1000):
        example = episode.example(SYSTEM, "As before.")
        assert example.replay == (episode.kind in KEPT)
        if example.replay:
            assert example.completion == "As before."
            assert example.frozen_messages[-1].content == episode.question
            assert example.messages[-1].content.startswith(episode.question)
        else:
            assert example.completion == episode.answer
            assert not example.frozen_messages


def test_what_is_known_by_heart_does_not_help() -> None:
    """One question is answered differently from episode to episode, so the answer must come from the lesson."""
    answers: dict[str, set[str]] = {}
    for episode in drawn():
        if episode.kind is EpisodeKind.RIGHT:
            answers.setdefault(episode.lessons[0].lesson.example_question, set()).add(episode.answer or "")
    often = [given for given in answers.values() if len(given) > 1]
    assert len(often) > 100
    assert changed("Tuesday at 14:30, room 512", random.Random(0)) != "Tuesday at 14:30, room 512"


def test_of_an_older_and_a_newer_lesson_the_newer_is_nearest_the_answer_and_right() -> None:
    stale = [episode for episode in drawn() if episode.kind is EpisodeKind.STALE]
    assert len(stale) > 50
    for episode in stale:
        newer, older = (given.lesson for given in episode.lessons)
        assert newer.example_question == older.example_question
        assert episode.answer == newer.guidance != older.guidance
        asked = episode.asked(SYSTEM)[-1].content
        assert asked.rindex(newer.guidance) > asked.index(older.guidance)


def test_of_several_lessons_the_one_that_fits_may_lie_anywhere() -> None:
    several = [episode for episode in drawn() if episode.kind is EpisodeKind.SEVERAL]
    assert {len(episode.lessons) for episode in several} == {2, 3}
    given = [[one.lesson.guidance for one in episode.lessons] for episode in several]
    places = Counter(
        guidances.index(episode.answer)
        for episode, guidances in zip(several, given, strict=True)
        if episode.answer in guidances
    )
    assert set(places) == {0, 1, 2}
    assert places[0] < places.total() / 2


def test_nothing_but_the_package_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    package = Path(studio.training.__file__).parent

    def spy(file: Any, *arguments: Any, **named: Any) -> Any:
        if not isinstance(file, int):
            opened.append(Path(file).resolve())
        return real(file, *arguments, **named)

    real = io.open
    monkeypatch.setattr(io, "open", spy)
    monkeypatch.setattr(builtins, "open", spy)
    drawn(10)
    assert opened
    assert all(path.is_relative_to(package) for path in opened)
