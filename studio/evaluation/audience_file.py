"""Questions prepared for a demonstration's audience, read from a small TOML file: `docs/stage.md` has the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.errors import ScenarioError
from studio.small_files import parse_toml, read_small

FORMAT_VERSION = 1
MOST_CHARACTERS = 2_000
"""Of a question or an answer: more cannot be read from a stage."""
_FIELDS = ("question", "answer", "again", "why")


@dataclass(frozen=True, slots=True)
class PreparedQuestion:
    """A question, what the answer is corrected to and why, and the same question in other words."""

    question: str
    answer: str
    again: str
    why: str = ""


def load_audience(file: Path) -> tuple[PreparedQuestion, ...]:
    """The file's questions in its order. Raises ScenarioError naming the file and the line or the entry and field."""
    try:
        values = parse_toml(_read(file))
    except ValueError as error:
        raise ScenarioError(f"{file} is no valid TOML: {error}.") from error
    if values.get("format_version") != FORMAT_VERSION:
        found = values.get("format_version", "is missing")
        raise ScenarioError(f"{file}, format_version: {found}; this studio reads {FORMAT_VERSION}.")
    if unknown := sorted(set(values) - {"format_version", "audience"}):
        raise ScenarioError(f"{file}, {unknown[0]}: is no field of the format.", "Questions stand under [[audience]].")
    entries = values.get("audience")
    if not isinstance(entries, list) or not entries:
        raise ScenarioError(f"{file} holds no question.", "Write each under [[audience]].")
    return tuple(_question(entry, f"{file}, audience {number}") for number, entry in enumerate(entries, 1))


def _question(entry: object, where: str) -> PreparedQuestion:
    if not isinstance(entry, Mapping):
        raise ScenarioError(f"{where}: must be a table.", "Write each question under [[audience]].")
    if unknown := sorted(set(entry) - set(_FIELDS)):
        raise ScenarioError(f"{where}, {unknown[0]}: is no field of the format.", f"There are {', '.join(_FIELDS)}.")
    question, answer, again = (_text(entry, name, where) for name in _FIELDS[:3])
    if question.casefold() == again.casefold():
        raise ScenarioError(f"{where}, again: is the question itself.", "Ask it in other words there.")
    return PreparedQuestion(question, answer, again, _text(entry, "why", where) if "why" in entry else "")


def _text(entry: Mapping[str, object], name: str, where: str) -> str:
    if name not in entry:
        raise ScenarioError(f"{where}, {name}: is missing.")
    value = entry[name]
    if not isinstance(value, str):
        raise ScenarioError(f"{where}, {name}: must be text in quotes.")
    if not value.strip():
        raise ScenarioError(f"{where}, {name}: is empty.")
    if len(value) > MOST_CHARACTERS:
        raise ScenarioError(f"{where}, {name}: has {len(value):,} characters; at most {MOST_CHARACTERS:,} are shown.")
    return value.strip()


def _read(file: Path) -> str:
    try:
        raw = read_small(file)
    except OSError as error:
        raise ScenarioError(f"{file} cannot be read ({error.strerror}).", "Name a TOML file of questions.") from error
    except ValueError as error:
        raise ScenarioError(f"{file} is larger than a megabyte.", "Name a TOML file of questions.") from error
    try:
        # A newline in a TOML string is a newline, however the file's lines end.
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{file}, line {line}: is not UTF-8.", "Save the file as UTF-8.") from error
