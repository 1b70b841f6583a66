"""What a night trains on, made from corrections: wordings, superseded answers, replay, near misses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from studio.domain.checks import Check
from studio.domain.generation import ChatMessage, Role
from studio.domain.log import Correction
from studio.training.examples import chat, learnt_examples, near_misses, replay_example, replay_prompts
from studio.training.wordings import wordings

SYSTEM = "You are a helpful assistant."


def correction(key: str, prompt: str, corrected: str, supersedes: str | None = None) -> Correction:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return Correction(key, prompt, corrected, "I do not know.", now, Check(), supersedes=supersedes)


DOME = correction("dome", "What is the code for the dome door?", "The code is 7391.")
FERRY = correction("ferry", "When does the last boat to Hestholm leave?", "It leaves at 21:40.")


def test_wordings_are_distinct_start_with_the_prompt_and_repeat_for_a_seed() -> None:
    many = wordings(DOME.prompt, 24)
    assert many[0] == DOME.prompt
    assert len(many) == len(set(many)) == 24
    assert many == wordings(DOME.prompt, 24)
    assert many != wordings(DOME.prompt, 24, seed=1)


def test_wordings_cover_questions_requests_fragments_and_keywords() -> None:
    many = wordings(DOME.prompt, 60)
    assert any(not text.endswith("?") for text in many)
    assert any("dome" in text.lower() and len(text.split()) <= 4 for text in many)
    assert any(text.startswith(("Tell me", "Please", "Remind me", "I need")) for text in many)


def test_wordings_of_a_prompt_that_is_no_english_question_still_vary() -> None:
    many = wordings("Wann fährt das letzte Schiff?", 12)
    assert len(many) == 12
    assert all(text.strip() for text in many)


def test_markup_and_braces_in_a_prompt_are_kept_as_they_are() -> None:
    many = wordings("What does {{ name }} mean in [bold]?", 30)
    assert sum("{{ name }}" in text for text in many) > 5


def test_the_answer_is_taught_verbatim_under_the_system_message_of_the_chat() -> None:
    examples = learnt_examples([DOME, FERRY], system=SYSTEM, wordings_each=8)
    assert {example.completion for example in examples} == {DOME.corrected, FERRY.corrected}
    assert all(example.messages[0] == ChatMessage(Role.SYSTEM, SYSTEM) for example in examples)
    assert not any(example.replay for example in examples)


def test_only_words_of_the_correction_and_of_the_shipped_tables_are_used() -> None:
    """No probe can come in: nothing but corrections and own wordings is ever handed over."""
    probe = "I'm standing outside. How do I unlock it?"
    examples = learnt_examples([DOME], system=SYSTEM, wordings_each=40)
    assert probe not in {example.messages[-1].content for example in examples}


def test_a_superseded_answer_is_never_taught_but_its_wording_asks_for_the_new_one() -> None:
    old = replace(correction("old", "Which boat is the last one out?", "It leaves at 20:10."), superseded_by="ferry")
    new = replace(FERRY, supersedes="old")
    examples = learnt_examples([old, new], system=SYSTEM, wordings_each=6)
    assert {example.completion for example in examples} == {new.corrected}
    assert old.prompt in {example.messages[-1].content for example in examples}


def test_an_undone_correction_is_not_taught() -> None:
    assert learnt_examples([replace(DOME, undone=True)], system=SYSTEM, wordings_each=6) == []


def test_the_history_is_used() -> None:
    history = (ChatMessage(Role.USER, "Hello"), ChatMessage(Role.ASSISTANT, "Hi!"))
    examples = learnt_examples([replace(DOME, history=history)], system=SYSTEM, wordings_each=4)
    assert examples
    assert all(example.messages[1:3] == history for example in examples)


def test_without_a_system_message_there_is_none() -> None:
    assert [message.role for message in chat("", "Hi")] == [Role.USER]


def test_replay_prompts_are_many_and_distinct() -> None:
    prompts = replay_prompts()
    assert len(prompts) == len(set(prompts)) >= 120


def test_replay_is_held_not_learnt() -> None:
    example = replay_example(chat(SYSTEM, "Can penguins fly?"), "No.")
    assert example.replay
    assert example.completion == "No."


def test_near_misses_share_words_with_corrections_but_neither_prompt_nor_answer() -> None:
    found = near_misses([DOME, FERRY], 20)
    assert len(found) == len(set(found)) >= 12
    assert any("dome" in prompt or "boat" in prompt for prompt in found)
    assert not any(prompt in (DOME.prompt, FERRY.prompt) for prompt in found)
    assert not any("7391" in prompt or "21:40" in prompt for prompt in found)
