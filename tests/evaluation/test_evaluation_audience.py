"""Files of questions for the audience: read whole, or refused in a sentence that says where the mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.bootstrap import starter_session
from studio.errors import ScenarioError
from studio.evaluation.audience_file import PreparedQuestion, load_audience

GOOD = 'question = "Who?"\nanswer = "Ada."\nagain = "Which person?"\n'


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "audience.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_questions_are_read_in_their_order(tmp_path: Path) -> None:
    file = written(tmp_path, f'format_version = 1\n[[audience]]\n{GOOD}why = "So it is."\n[[audience]]\n{GOOD}')
    first, second = load_audience(file)
    assert first == PreparedQuestion("Who?", "Ada.", "Which person?", "So it is.")
    assert second.why == ""


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    text = f"\ufeffformat_version = 1\n[[audience]]\n{GOOD}".replace("\n", "\r\n")
    assert load_audience(written(tmp_path, text))[0].answer == "Ada."


def test_the_starter_session_has_some() -> None:
    assert len(load_audience(starter_session() / "audience.toml")) >= 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format_version = 1\n[[audience]\n", ("no valid TOML", "line 2")),
        (f"[[audience]]\n{GOOD}", ("format_version: is missing",)),
        (f"format_version = 2\n[[audience]]\n{GOOD}", ("format_version: 2",)),
        ("format_version = 1\n", ("holds no question",)),
        ("format_version = 1\naudience = []\n", ("holds no question",)),
        ("format_version = 1\naudience = [3]\n", ("audience 1", "must be a table")),
        (f"format_version = 1\n[[question]]\n{GOOD}", ("question: is no field",)),
        ('format_version = 1\n[[audience]]\nquestion = "Who?"\nanswer = "A."\n', ("audience 1, again: is missing",)),
        (f"format_version = 1\n[[audience]]\n{GOOD}[[audience]]\nanswer = 3\n", ("audience 2, question: is missing",)),
        (f'format_version = 1\n[[audience]]\n{GOOD}anwser = ""\n', ("audience 1, anwser: is no field",)),
        (f"format_version = 1\n[[audience]]\n{GOOD.replace('Ada.', ' ')}", ("audience 1, answer: is empty",)),
        (f"format_version = 1\n[[audience]]\n{GOOD}why = 3\n", ("audience 1, why: must be text",)),
        (f"format_version = 1\n[[audience]]\n{GOOD.replace('Which person?', 'WHO?')}", ("again: is the question",)),
        (f"format_version = 1\n[[audience]]\n{GOOD.replace('Ada.', 'A' * 3000)}", ("answer: has 3,000 characters",)),
        (b"format_version = 1\n# gr\xfcn\n", ("line 2", "is not UTF-8")),
        ("format_version = 1\nx = " + "[" * 5000, ("nested too deeply",)),
        (b"#" * 2_000_000, ("larger than a megabyte",)),
    ],
)
def test_a_bad_file_is_told_in_a_sentence_that_says_where(
    tmp_path: Path, text: str | bytes, words: tuple[str, ...]
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ScenarioError) as told:
        load_audience(file)
    for word in (str(file), *words):
        assert word in str(told.value)


def test_a_file_that_cannot_be_read_is_told_so(tmp_path: Path) -> None:
    for place in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ScenarioError, match="cannot be read"):
            load_audience(place)
