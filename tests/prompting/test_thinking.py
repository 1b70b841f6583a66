"""A reasoning model's thinking, told from its answer however it is cut into pieces."""

from __future__ import annotations

import pytest

from studio.domain.generation import ChatMessage, Role
from studio.prompting.chat_template import render
from studio.prompting.thinking import ThinkingApart, closing_of, without_thinking

QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
R1 = (
    "{% for m in messages %}<|User|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|Assistant|><think>\n{% endif %}"
)


def apart(text: str, cut: int, closing: str = "", *, may_be_open: bool = False) -> tuple[str, str, str, str]:
    """Thinking and answer, and both as they were given out piece by piece."""
    one = ThinkingApart(closing, may_be_open=may_be_open)
    said = [piece for start in range(0, len(text), cut) for piece in one.push(text[start : start + cut])]
    said += one.finish()
    thought, answered = ("".join(piece.text for piece in said if piece.is_thinking is kind) for kind in (True, False))
    return one.thinking, one.text, thought, answered


@pytest.mark.parametrize("cut", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "closing", "thinking", "answer"),
    [
        ("<think>\nForty? No: 45.\n</think>\n\nForty-five days.", "", "Forty? No: 45.", "Forty-five days."),
        ("\n<think>\n\n</think>\n\nForty-five.", "", "", "Forty-five."),
        ("So it is 45.\n</think>\n\nForty-five.", "</think>", "So it is 45.", "Forty-five."),
        ("<think>\nOnce more.</think>Yes.", "</think>", "Once more.", "Yes."),
        ("[THINK]a < b[/THINK]Yes.", "", "a < b", "Yes."),
        ("<|begin_of_thought|>x<|end_of_thought|> y", "", "x", "y"),
        ("<think>It never ends </thi", "", "It never ends </thi", ""),
        ("A <think> tag opens </think> it.", "", "", "A <think> tag opens </think> it."),
        ("<thin ice", "", "", "<thin ice"),
        ("  two blanks", "", "", "  two blanks"),
        ("", "", "", ""),
    ],
)
def test_thinking_and_answer_are_told_apart(text: str, closing: str, thinking: str, answer: str, cut: int) -> None:
    found = apart(text, cut, closing)
    assert found[:2] == (thinking, answer)
    assert (found[2].strip(), found[3].strip()) == (thinking.strip(), answer.strip())


def test_where_the_opening_was_not_seen_a_closing_tag_on_its_own_line_ends_the_thinking() -> None:
    text = "Let me see: 45.\n</think>\n\nForty-five."
    assert apart(text, 4, may_be_open=True)[:2] == ("Let me see: 45.", "Forty-five.")
    assert apart(text, 4)[:2] == ("", text)
    assert apart("Close it with </think> at the end.", 4, may_be_open=True)[0] == ""


def test_a_text_is_freed_of_its_thinking() -> None:
    assert without_thinking("<think>Hm.</think>\nForty-five.") == "Forty-five."
    assert without_thinking("<think>Hm") == ""
    assert without_thinking(" Forty-five.\n") == " Forty-five.\n"


@pytest.mark.parametrize("template", [QWEN3, R1])
def test_a_model_is_told_to_think_or_not(template: str) -> None:
    def prompt(*, thinking: bool) -> str:
        asked = [ChatMessage(Role.USER, "How long?")]
        return render(template, asked, bos_token="", eos_token="", add_generation_prompt=True, thinking=thinking)

    assert closing_of(prompt(thinking=False)) == ""
    assert prompt(thinking=False).endswith("<think>\n\n</think>\n\n")
    assert closing_of(prompt(thinking=True)) == ("</think>" if template is R1 else "")
