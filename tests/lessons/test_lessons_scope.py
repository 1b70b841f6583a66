"""Which answers a rule of style holds for, learnt from what the user said of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio.domain.checks import Check
from studio.domain.lessons import Lesson, LessonKind, Scope, ScopeKind
from studio.domain.log import Correction
from studio.errors import UsageError
from studio.lessons.distil import distil
from studio.lessons.question_kinds import asks_for
from studio.lessons.retrieve import LessonIndex
from studio.lessons.scope import in_scope, learn_scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "question", "scope", "holds", "not_for"),
    [
        (
            "We write dates as 2026-03-02.",
            "When was the mill built?",
            "dates",
            ["On what date do we reopen?", "Write that the fair is on 3 May 2027."],
            ["Who built the mill?", "What is a date palm?", "Which day follows Monday?"],
        ),
        (
            "Times without am and pm.",
            "What time does the ferry leave?",
            "times",
            ["Write that the shop opens at half past eight.", "The film is at 9 pm. Tell Jo."],
            ["How many ferries are there?", "What does a sundial do?"],
        ),
        (
            "Amounts of money get two decimals.",
            "What do two stamps of 90 cents cost?",
            "money",
            ["How much is a ticket and how much do I pay for four?", "Write on a tag: lamp, nine euros."],
            ["How heavy is a pound of flour?", "Who prints stamps?"],
        ),
        (
            "Explanations: fifteen words at most.",
            "Explain what a tide is.",
            "explanations",
            ["Why is snow white?", "What is a comet?"],
            ["What is the capital of Peru?", "Write a poem about snow."],
        ),
        (
            "never more than ten words",
            "What is a tide?",
            "open",
            ["What is a comet?", "How do fish breathe?", "How do I boil an egg?"],
            ["Write a letter to the mayor.", "List ten rivers.", "How many legs has an ant?"],
        ),
        (
            "Messages to members always close with 'See you at the mill'.",
            "Write a short message to the members about the fair.",
            "messages with member",
            ["Tell the members that the mill is closed.", "Send each member a line of thanks."],
            ["Tell my landlord that the tap drips.", "How many members have we?"],
        ),
        (
            "Headlines in the present tense.",
            "Write a headline: the bridge was opened.",
            "texts with headline",
            ["Headline: a bear was seen."],
            ["What is a headline?", "Write a poem about a bear."],
        ),
        (
            "We spell as the British do.",
            "Describe your favorite color.",
            "texts",
            ["Write a post."],
            ["What is 3 + 4?"],
        ),
        (
            "Never more than three words.",
            "Who painted the mill?",
            "facts",
            ["How many legs has an ant?", "Is the mill open?"],
            ["Why is snow white?", "Write a poem."],
        ),
        ("at most ten words in every answer", "Who was Vermeer?", "questions", ["How many legs has an ant?"], []),
        ("End every answer with 'Over.'", "Which way is north?", "every", ["Write a poem."], []),
        ("too long", "What is a tide?", "like", [], ["What is a comet?", "What is a tide?"]),
        ("Immer mit Datum.", "Wann kommt das Schiff?", "like", [], ["Wann kommt der Zug?"]),
    ],
)
def test_a_scope_is_learnt_from_the_users_words(
    rule: str, question: str, scope: str, holds: list[str], not_for: list[str]
) -> None:
    learnt = learn_scope(rule, question)
    assert str(learnt) == scope
    assert [other for other in holds if not in_scope(learnt, other)] == []
    assert [other for other in not_for if in_scope(learnt, other)] == []
    assert learnt.kind is ScopeKind.LIKE or in_scope(learnt, question), "it holds for its own question"


@pytest.mark.parametrize(
    ("rule", "question", "scope"),
    [
        ("Three words at most.", "Where is the key of the shed?", "like facts"),
        ("Always three words at most.", "Where is the key of the shed?", "facts"),
        ("At most ten words, for a small board.", "What is our smoked cheese?", "like open"),
        ("From now on, ten words.", "What is our smoked cheese?", "open"),
        ("Write the number as a word.", "How many beds are in the attic?", "like numbers"),
        ("No digits. Write seven, not 7.", "How many beds are in the attic?", "like numbers"),
        ("Numbers as words, I never need digits.", "How many beds are in the attic?", "like numbers"),
        ("Write every number as a word.", "How many beds are in the attic?", "numbers"),
        ("Round the number to a whole crate.", "How many crates did we sell?", "numbers with crate"),
        ("Percents with one decimal.", "What percentage of 80 is 10?", "numbers with percent"),
        ("Bullets, one a line.", "Name three cheeses.", "like lists"),
        ("As a list, each after a dash.", "Name three cheeses.", "like lists"),
        ("Whenever I want a list, put a dash before each.", "Name three cheeses.", "lists"),
        ("Lists with dashes.", "Name three cheeses.", "lists"),
        ("Name first, then the village in brackets.", "Who brings our eggs?", "like facts"),
        ("Surname first.", "Who brings our eggs?", "like people"),
        ("In all answers the surname first.", "Who brings our eggs?", "people"),
        ("Define it in eight words.", "What is a late arrival?", "like definitions"),
        ("Definitions: eight words.", "What is a late arrival?", "definitions"),
        ("British spelling.", "Describe our lounge.", "like texts"),
        ("Instructions are numbered.", "Give me instructions for a kite.", "steps"),
        ("Announcements end with 'Ahoy!'", "Write an announcement: the pier is open.", "messages with announce"),
        ("Use the 24-hour clock.", "What time do we close?", "times"),
        ("Call me Jo.", "Hi there", "talk"),
        ("My name is Jo, use it.", "Good morning", "talk"),
        ("I'm vegan.", "Suggest a snack.", "advice"),
        ("I don't fly.", "Recommend a weekend trip.", "advice"),
        ("I prefer metres to feet.", "How tall is the mill?", "measures"),
        ("Currency code before the amount.", "How much is a ticket and what does it cost?", "money"),
        ("Yes or no only.", "Is Pluto a planet?", "like yes-no"),
        ("Show code only.", "How do I sort a list in Python?", "code"),
        ("Bitte höchstens fünf Wörter.", "Wer war Goethe?", "like facts"),
    ],
)
def test_a_whole_sort_of_question_has_to_be_asked_for(rule: str, question: str, scope: str) -> None:
    assert str(learn_scope(rule, question)) == scope


def test_how_the_user_is_spoken_with_holds_for_small_talk_and_not_for_plain_questions() -> None:
    said = ["Hello, can you help me?", "Good evening!", "Thanks, bye!", "What's my name?", "Say hello to me"]
    other = [
        "What is the capital of France?",
        "Who are the Beatles?",
        "How do you say 'thank you' in German?",
        "Write a poem.",
    ]
    assert [question for question in said if not asks_for(question, ScopeKind.TALK)] == []
    assert [question for question in other if asks_for(question, ScopeKind.TALK)] == []


def test_a_scope_is_read_as_it_is_written_and_a_wrong_one_names_those_there_are() -> None:
    scope = Scope(ScopeKind.MESSAGES, ("student", "pupil"))
    assert Scope.parse(str(scope)) == scope
    assert Scope.parse("  Dates ") == Scope(ScopeKind.DATES)
    alike = Scope(ScopeKind.LISTS, like=True)
    assert Scope.parse(" like  Lists") == alike == Scope.parse(str(alike))
    assert alike.in_words == "answers that name several things, if the question is like its example"
    with pytest.raises(UsageError, match="'like rhymes' is no scope"):
        Scope.parse("like rhymes")
    assert scope.in_words == "messages, letters and announcements, where the question says 'student' or 'pupil'"
    with pytest.raises(UsageError, match=r"'rhymes' is no scope of a lesson\..*dates"):
        Scope.parse("rhymes")


def rule(name: str, scope: Scope, *, day: int = 1) -> Lesson:
    at = NOW.replace(day=day)
    return Lesson(name, name, "", name, "an example", "a", (name,), at, at, LessonKind.STYLE, scope)


def given(index: LessonIndex, question: str, *, vector: tuple[float, float] = (0.0, 1.0)) -> list[str]:
    return [one.lesson.id for one in index.fitting(question, vector, k=1, threshold=0.5, rules=2)]


def test_rules_are_given_by_scope_and_facts_by_likeness() -> None:
    fact = Lesson("fact", "fact", "", "a", "q", "a", ("c",), NOW, NOW)
    index = LessonIndex.build(
        [fact, rule("dates", Scope(ScopeKind.DATES)), rule("alike", Scope())],
        [("fact", "q", (0.0, 1.0)), ("dates", "q", (1.0, 0.0)), ("alike", "q", (1.0, 0.0))],
    )
    assert given(index, "When is the fair?") == ["fact", "dates"]
    assert given(index, "Who runs the fair?", vector=(1.0, 0.0)) == ["alike"], "not the rule of another scope"
    index.remove("dates")
    assert given(index, "When is the fair?") == ["fact"]


def test_a_rule_for_questions_like_its_example_is_given_to_those_of_its_sort_alone() -> None:
    index = LessonIndex.build([rule("steps", Scope(ScopeKind.STEPS, like=True))], [("steps", "q", (1.0, 0.0))])
    assert given(index, "How do I use our dryer?", vector=(0.9, 0.4)) == ["steps"]
    assert given(index, "Who repairs our dryer?", vector=(0.9, 0.4)) == []
    assert given(index, "How do I tie a bow?", vector=(0.1, 0.9)) == []


def test_a_rule_does_not_take_the_place_of_a_fact() -> None:
    fact = Lesson("fact", "fact", "", "a", "q", "a", ("c",), NOW, NOW)
    index = LessonIndex.build(
        [fact, rule("alike", Scope()), rule("wide", Scope(ScopeKind.FACTS)), rule("dates", Scope(ScopeKind.DATES))],
        [("fact", "q", (0.8, 0.6)), *((name, "q", (1.0, 0.0)) for name in ("alike", "wide", "dates"))],
    )
    assert given(index, "When is the fair?", vector=(1.0, 0.0)) == ["fact", "alike", "dates"]


def test_of_many_rules_the_narrower_and_newer_are_given() -> None:
    dates, words = Scope(ScopeKind.DATES), Scope(ScopeKind.QUESTIONS)
    index = LessonIndex.build(
        [rule("old", dates, day=1), rule("short", words, day=9), rule("new", dates, day=2)],
        [(name, "q", (1.0, 0.0)) for name in ("old", "short", "new")],
    )
    assert given(index, "When is the fair?") == ["new", "old"]
    index.add(replace(rule("old", dates), scope=Scope(ScopeKind.MONEY), revision=2), [(1.0, 0.0)])
    assert given(index, "When is the fair?") == ["new", "short"]


@pytest.mark.parametrize(
    ("question", "original", "corrected", "guidance", "scope"),
    [
        ("When did it open?", "May 2, 1801", "1801-05-02", "Write dates like 1801-05-02.", "dates"),
        ("What time do we close?", "At 5 pm.", "At 17:00.", "Write times like 17:00.", "times"),
        (
            "What do I need for tea?",
            "A pot, tea",
            "- a pot\n- tea",
            "List things one a line, each after '-'.",
            "like lists",
        ),
        (
            "How do I make tea?",
            "Boil water. Wait.",
            "1. Boil water.\n2. Wait.",
            "Number the steps, one a line.",
            "like steps",
        ),
    ],
)
def test_without_a_word_from_the_user_the_edit_tells_the_rule(
    question: str, original: str, corrected: str, guidance: str, scope: str
) -> None:
    lesson = distil(Correction("c1", question, corrected, original, NOW, Check()), lesson_id="l1", at=NOW)
    assert (lesson.kind, lesson.guidance, str(lesson.scope)) == (LessonKind.STYLE, guidance, scope)


def test_a_form_that_nobody_put_in_words_is_for_like_questions() -> None:
    correction = Correction("c1", "When do we open?", "We open at nine.", "we open at nine", NOW, Check())
    lesson = distil(correction, lesson_id="l1", at=NOW)
    assert (lesson.kind, lesson.scope) == (LessonKind.STYLE, Scope())


def test_a_correction_with_a_rule_makes_a_lesson_of_its_scope() -> None:
    correction = Correction(
        "c1",
        "When was the mill built?",
        "1801-05-02",
        "May 2, 1801",
        NOW,
        Check(),
        rationale="Write dates as 1801-05-02.",
    )
    lesson = distil(correction, lesson_id="l1", at=NOW)
    assert (lesson.kind, lesson.scope) == (LessonKind.STYLE, Scope(ScopeKind.DATES))
    assert lesson.guidance == "Write dates as 1801-05-02."
