"""Assembling prompts: what each arm is given, what is left out when it does not fit, and that the question never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio.domain.arms import Memory
from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, Role
from studio.domain.lessons import Lesson, LessonKind, RetrievedLesson
from studio.domain.log import Correction
from studio.errors import PromptTooLongError
from studio.prompting.assemble import (
    Assembly,
    PromptRequest,
    assemble,
    prompts_to_count,
    reapply_request,
    redo_request,
)
from studio.prompting.prompt_forms import READING_FORMS, LessonForm, PromptForms, ShownForm

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SYSTEM = "You are a helpful assistant."


def correction(number: int, words: int = 3) -> Correction:
    return Correction(
        id=f"c{number}",
        prompt=f"question {number}",
        corrected=" ".join(["answer"] * words),
        original="",
        created_at=NOW,
        check=Check(),
    )


def retrieved(question: str, answer: str, rank: int = 1, kind: LessonKind = LessonKind.FACT) -> RetrievedLesson:
    lesson = Lesson(f"l{rank}", question, "", answer, question, answer, ("c1",), NOW, NOW, kind=kind)
    return RetrievedLesson(lesson, 0.8, rank)


def history(exchanges: int) -> tuple[ChatMessage, ...]:
    pairs = ((ChatMessage(Role.USER, f"ask {i}"), ChatMessage(Role.ASSISTANT, f"reply {i}")) for i in range(exchanges))
    return tuple(message for pair in pairs for message in pair)


def count(messages: Sequence[ChatMessage]) -> int:
    """As a turn-by-turn template counts: four tokens around each message, three for the answer's header."""
    return sum(len(message.content.split()) + 4 for message in messages) + 3


def put_together(request: PromptRequest, *, budget: int = 10_000, limit: int = 10_000) -> Assembly:
    counts = [count(messages) for messages in prompts_to_count(request)]
    return assemble(request, counts, correction_budget=budget, prompt_limit=limit)


def contents(assembly: Assembly) -> list[str]:
    return [message.content for message in assembly.messages]


def test_without_memory_only_system_history_and_question_are_sent() -> None:
    request = PromptRequest("why?", Memory.NONE, SYSTEM, history(1), (correction(1),), (retrieved("q", "a"),))
    assembly = put_together(request)
    assert contents(assembly) == [SYSTEM, "ask 0", "reply 0", "why?"]
    assert (assembly.correction_ids, assembly.lessons, assembly.history_messages) == ((), (), 2)


def test_no_system_message_where_the_system_text_is_empty() -> None:
    assert contents(put_together(PromptRequest("why?", system="  "))) == ["why?"]


def test_context_gives_every_correction_twice_oldest_first_before_the_history() -> None:
    request = PromptRequest("why?", Memory.CONTEXT, SYSTEM, history(1), (correction(1), correction(2)))
    assembly = put_together(request)
    assert contents(assembly)[1::2] == ["question 1", "question 2", "question 1", "question 2", "ask 0", "why?"]
    assert assembly.correction_ids == ("c1", "c2")


def test_context_gives_them_once_where_twice_is_over_budget_or_costs_history() -> None:
    request = PromptRequest("why?", Memory.CONTEXT, SYSTEM, history(1), (correction(1), correction(2)))
    asked = ["question 1", "question 2", "ask 0", "why?"]
    assert contents(put_together(request, budget=4 * 13 - 1))[1::2] == asked
    whole = put_together(request).prompt_tokens
    assert contents(put_together(request, limit=whole - 1))[1::2] == asked


def test_a_new_correction_leaves_the_first_of_what_the_cache_holds() -> None:
    before = put_together(PromptRequest("why?", Memory.CONTEXT, SYSTEM, (), (correction(1),)))
    after = put_together(PromptRequest("why?", Memory.CONTEXT, SYSTEM, (), (correction(1), correction(2))))
    assert after.messages[:3] == before.messages[:3]


def test_over_budget_the_newest_corrections_are_kept_and_the_rest_counted() -> None:
    corrections = tuple(correction(i) for i in range(5))
    one = 2 + 4 + 3 + 4
    assembly = put_together(PromptRequest("why?", Memory.CONTEXT, SYSTEM, (), corrections), budget=2 * one)
    assert assembly.correction_ids == ("c3", "c4")
    assert assembly.corrections_left_out == 3
    exactly_one = put_together(PromptRequest("why?", Memory.CONTEXT, SYSTEM, (), corrections), budget=2 * one - 1)
    assert exactly_one.correction_ids == ("c4",)


def test_a_newest_correction_larger_than_the_budget_lets_no_older_one_past() -> None:
    corrections = (correction(1), correction(2, words=500))
    assembly = put_together(PromptRequest("why?", Memory.CONTEXT, SYSTEM, (), corrections), budget=100)
    assert (assembly.correction_ids, assembly.corrections_left_out) == ((), 2)


def test_lessons_follow_the_question_and_the_best_is_nearest_the_answer() -> None:
    lessons = (retrieved("best q", "best a", 1), retrieved("next q", "next a", 2))
    assembly = put_together(PromptRequest("why?", Memory.LESSONS, SYSTEM, (), (correction(1),), lessons))
    user = contents(assembly)[-1]
    assert user.startswith("why?\n")
    assert user.index("next a") < user.index("best q") < user.index("best a")
    assert assembly.lessons == lessons


def test_without_lessons_the_lessons_arm_asks_exactly_as_the_frozen_one() -> None:
    abstained = put_together(PromptRequest("why?", Memory.LESSONS, SYSTEM, history(1)))
    assert abstained.messages == put_together(PromptRequest("why?", Memory.NONE, SYSTEM, history(1))).messages


def test_edited_guidance_is_what_is_given() -> None:
    fact = retrieved("when?", "At nine.")
    edited = replace(fact, lesson=replace(fact.lesson, guidance="At ten."))
    assert "At ten." in contents(put_together(PromptRequest("?", Memory.LESSONS, lessons=(edited,))))[-1]


def ruled(question: str, answer: str, guidance: str) -> RetrievedLesson:
    style = retrieved(question, answer, kind=LessonKind.STYLE)
    return replace(style, lesson=replace(style.lesson, guidance=guidance))


def test_a_rule_is_shown_kept_before_the_history_and_stands_under_the_question() -> None:
    rule = ruled("a note", "Hi. Odile", "Sign off with Odile.")
    assembly = put_together(PromptRequest("why?", Memory.LESSONS, SYSTEM, history(1), lessons=(rule,)))
    shown = 2 * ["a note\n\nSign off with Odile.", "Hi. Odile"]
    assert contents(assembly) == [SYSTEM, *shown, *contents(assembly)[5:7], "why?\n\nSign off with Odile."]
    assert assembly.history_messages == 2
    no_example = replace(rule, lesson=replace(rule.lesson, example_question=" "))
    alone = put_together(PromptRequest("why?", Memory.LESSONS, SYSTEM, lessons=(no_example,)))
    assert contents(alone) == [SYSTEM, "why?\n\nSign off with Odile."]


def test_beside_a_rule_a_fact_keeps_its_form() -> None:
    fact, rule = retrieved("when?", "At nine."), ruled("a note", "Hi. Odile", "Sign off with Odile.")
    alone = contents(put_together(PromptRequest("why?", Memory.LESSONS, lessons=(fact,))))[-1]
    both = contents(put_together(PromptRequest("why?", Memory.LESSONS, lessons=(fact, rule))))[-1]
    assert both == alone.replace("why?", "why?\n\nSign off with Odile.", 1)


def test_history_is_dropped_oldest_first_by_whole_exchanges() -> None:
    request = PromptRequest("why?", Memory.NONE, SYSTEM, history(4))
    full = put_together(request)
    trimmed = put_together(request, limit=full.prompt_tokens - 1)
    assert contents(trimmed) == [SYSTEM, *contents(full)[3:]]
    assert (trimmed.history_messages, trimmed.history_trimmed) == (6, 2)


def test_history_goes_before_memory_and_memory_before_the_question() -> None:
    request = PromptRequest("why?", Memory.CONTEXT, SYSTEM, history(2), (correction(1), correction(2)))
    bare = count(prompts_to_count(request)[0])
    no_history = put_together(request, limit=bare + 26)
    assert (no_history.correction_ids, no_history.history_messages) == (("c1", "c2"), 0)
    only_question = put_together(request, limit=bare)
    assert contents(only_question) == [SYSTEM, "why?"]
    assert only_question.corrections_left_out == 2


def test_lessons_that_do_not_fit_beside_the_question_are_left_out() -> None:
    request = PromptRequest("why?", Memory.LESSONS, SYSTEM, (), (), (retrieved("q", "a " * 50),))
    assembly = put_together(request, limit=40)
    assert contents(assembly) == [SYSTEM, "why?"]
    assert (assembly.lessons, assembly.lessons_left_out) == ((), 1)


def test_a_question_too_long_by_itself_is_refused_in_words() -> None:
    with pytest.raises(PromptTooLongError, match=r"The question takes 1\d\d tokens; the model has room for 100"):
        put_together(PromptRequest("word " * 120, system=SYSTEM), limit=100)


@pytest.mark.parametrize("memory", list(Memory))
def test_the_added_up_length_is_the_length_of_the_prompt(memory: Memory) -> None:
    corrections = tuple(correction(i, words=i + 1) for i in range(6))
    request = PromptRequest("why so?", memory, SYSTEM, history(3), corrections, (retrieved("q", "a"),))
    for limit in range(30, 200, 7):
        assembly = put_together(request, limit=limit)
        assert assembly.prompt_tokens == count(assembly.messages) <= limit
        assert assembly.messages[-1].content.startswith("why so?")


def test_braces_and_markup_are_plain_text_everywhere() -> None:
    odd = "{{ 7 * 7 }} [bold]{% raw %}</s><|im_end|>"
    lesson = retrieved(f"{odd}?", odd)
    request = PromptRequest(odd, Memory.LESSONS, odd, (ChatMessage(Role.USER, odd),), lessons=(lesson,))
    assembly = put_together(request)
    system, noted, answered, said, last = contents(assembly)
    assert [system, answered, said] == [odd, odd, odd]
    assert (noted.count(odd), last.count(odd)) == (3, 3)


def test_redo_shows_question_answer_and_what_was_wrong() -> None:
    request = PromptRequest("When?", Memory.CONTEXT, SYSTEM, history(1), (correction(1),))
    assembly = put_together(redo_request(request, "At nine.", "it's ten"))
    assert contents(assembly)[:3] == [SYSTEM, "ask 0", "reply 0"]
    positions = [contents(assembly)[-1].index(part) for part in ("When?", "At nine.", "it's ten")]
    assert positions == sorted(positions)


def test_reapplying_gives_only_the_lesson_of_that_correction() -> None:
    assembly = put_together(reapply_request(correction(7), retrieved("question 7", "seven"), SYSTEM))
    assert contents(assembly)[0] == SYSTEM
    assert contents(assembly)[1].startswith("question 7\n")
    assert "seven" in contents(assembly)[1]


def turns(assembly: Assembly) -> list[tuple[str, str]]:
    return [(message.role.value, message.content) for message in assembly.messages]


BOTH = (
    retrieved("When is tea?", "At five.", 1),
    retrieved("Where is tea?", "In the hall.", 2),
    retrieved("Say it.", "ok.", 3, LessonKind.STYLE),
)
NOTES = (
    'The answer to the question "Where is tea?" is: In the hall.\n'
    'The answer to the question "When is tea?" is: At five.'
)
RULE_SHOWN = [("user", "Say it.\n\nok."), ("assistant", "ok.")]
IN_USE = [
    ("user", f"Where is tea?\n\n{NOTES.splitlines()[0]}\nWhat is your answer?"),
    ("assistant", "In the hall."),
    ("user", f"When is tea?\n\n{NOTES.splitlines()[1]}\nWhat is your answer?"),
    ("assistant", "At five."),
]
PAST = [("user", "ask 0"), ("assistant", "reply 0")]


def test_the_default_forms_are_what_was_measured_on_the_bundled_model_to_the_byte() -> None:
    lessons = put_together(PromptRequest("Tea?", Memory.LESSONS, SYSTEM, history(1), lessons=BOTH))
    asked = f"Tea?\n\nok.\n\n{NOTES}\nWhat is your answer?"
    assert turns(lessons) == [("system", SYSTEM), *RULE_SHOWN, *RULE_SHOWN, *IN_USE, *PAST, ("user", asked)]
    assert lessons.prompt_tokens == count(lessons.messages)
    context = put_together(PromptRequest("Tea?", Memory.CONTEXT, SYSTEM, history(1), (correction(1),)))
    taught = [("user", "question 1"), ("assistant", "answer answer answer")]
    assert turns(context) == [("system", SYSTEM), *taught, *taught, *PAST, ("user", "Tea?")]
    assert (lessons.form, context.form) == ("", "")


def test_facts_stand_where_the_form_says_and_rules_stay() -> None:
    def read(form: LessonForm) -> list[tuple[str, str]]:
        request = PromptRequest("Tea?", Memory.LESSONS, SYSTEM, history(1), lessons=BOTH, forms=PromptForms(form))
        assembly = put_together(request)
        assert assembly.form == form.value
        assert assembly.prompt_tokens == count(assembly.messages)
        return turns(assembly)

    rules, known = [*RULE_SHOWN, *RULE_SHOWN], f"Known facts:\n{NOTES}"
    facts = [
        ("user", "Where is tea?"),
        ("assistant", "In the hall."),
        ("user", "When is tea?"),
        ("assistant", "At five."),
    ]
    system = ("system", SYSTEM)
    assert read(LessonForm.AFTER) == [system, *rules, *PAST, ("user", f"Tea?\n\nok.\n\n{NOTES}\nWhat is your answer?")]
    assert read(LessonForm.BEFORE) == [system, *rules, *PAST, ("user", f"{known}\n\nTea?\n\nok.")]
    assert read(LessonForm.TURN) == [system, *rules, *facts, *PAST, ("user", "Tea?\n\nok.")]
    assert read(LessonForm.SYSTEM) == [("system", f"{SYSTEM}\n\n{known}"), *rules, *PAST, ("user", "Tea?\n\nok.")]


def test_a_fact_in_its_own_words_is_given_in_every_form() -> None:
    for form in LessonForm:
        own = (retrieved("", "Tea is at five."),)
        request = PromptRequest("Tea?", Memory.LESSONS, "", lessons=own, forms=PromptForms(form))
        assert "Tea is at five." in " ".join(contents(put_together(request)))
        nothing = put_together(PromptRequest("Tea?", Memory.LESSONS, SYSTEM, forms=PromptForms(form)))
        assert (contents(nothing), nothing.form) == ([SYSTEM, "Tea?"], "")


def test_corrections_are_shown_once_where_the_form_says_so() -> None:
    forms = PromptForms(corrections=ShownForm.ONCE)
    request = PromptRequest("Tea?", Memory.CONTEXT, "", (), (correction(1), correction(2)), forms=forms)
    assembly = put_together(request)
    assert contents(assembly) == ["question 1", "answer answer answer", "question 2", "answer answer answer", "Tea?"]
    assert assembly.form == "once"
    assert assembly.prompt_tokens == count(assembly.messages)


def test_where_lessons_are_not_shown_in_use_the_very_question_stands_answered_twice_before_it_is_asked_again() -> None:
    for form in set(LessonForm) - {LessonForm.SHOWN}:
        request = PromptRequest(
            " when is TEA?", Memory.LESSONS, SYSTEM, history(1), lessons=BOTH, forms=PromptForms(form)
        )
        assembly = put_together(request)
        answered = [("user", "When is tea?"), ("assistant", "At five.")]
        rules = [*RULE_SHOWN, *RULE_SHOWN]
        asked = ("user", " when is TEA?\n\nok.")
        assert turns(assembly) == [("system", SYSTEM), *rules, *PAST, *answered, *answered, asked]
        assert assembly.prompt_tokens == count(assembly.messages)


def test_who_was_taught_to_read_reads_it_all_the_same() -> None:
    read, default = (
        put_together(PromptRequest("When is tea?", Memory.LESSONS, SYSTEM, lessons=BOTH[:1], forms=forms))
        for forms in (READING_FORMS, PromptForms())
    )
    noted = ("user", f"When is tea?\n\n{NOTES.splitlines()[1]}\nWhat is your answer?")
    assert turns(read) == [("system", SYSTEM), noted]
    assert turns(default) == [("system", SYSTEM), noted, ("assistant", "At five."), noted]
    assert (read.form, default.form) == ("", "")
