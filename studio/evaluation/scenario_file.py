"""Reading scenario folders, strictly: whatever is wrong is told with file, line and field in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from studio.domain.checks import Check
from studio.domain.nights import Probe, ProbeKind
from studio.errors import ScenarioError
from studio.evaluation.judging import is_phrase, pattern_fault
from studio.evaluation.scenario import (
    CorrectionKind,
    InductionPrompt,
    JudgedPrompt,
    Scenario,
    ScenarioCorrection,
    TaughtCorrection,
)
from studio.small_files import parse_toml, read_small

FORMAT_VERSION = 1
FEWEST_SHARING = 2
MOST_BYTES = 50_000_000

_CORRECTION_FIELDS = (
    *("id", "day", "kind", "prompt", "target", "rationale", "include", "exclude", "pattern", "max_words"),
    *("rephrase", "locality", "portability", "transfer", "supersedes"),
)

_Read = TypeVar("_Read")


def load_scenario(folder: Path) -> Scenario:
    """Read `scenario.toml`, `corrections.jsonl`, `general.jsonl` and, if there, `induction.jsonl`.

    Raises ScenarioError.
    """
    if not folder.is_dir():
        raise ScenarioError(f"{folder} is no scenario folder.", "Name a folder with a scenario.toml.")
    title, description = _read_description(folder / "scenario.toml")
    corrections = tuple(_read_correction(fields) for fields in _objects(folder / "corrections.jsonl"))
    if not corrections:
        raise ScenarioError(f"{folder / 'corrections.jsonl'} holds no correction.", "A scenario needs at least one.")
    general = load_general_probes(folder / "general.jsonl")
    return Scenario(title, description, corrections, general, _load_induction(folder / "induction.jsonl", corrections))


def load_general_probes(file: Path) -> tuple[Probe, ...]:
    """Read one file of general probes. Raises ScenarioError."""
    return tuple(_read_general(fields) for fields in _objects(file))


def _load_induction(file: Path, corrections: Sequence[ScenarioCorrection]) -> tuple[InductionPrompt, ...]:
    if not file.exists():
        return ()
    known = {correction.id for correction in corrections}
    sharing: dict[str, tuple[str, ...]] = {}
    read: list[InductionPrompt] = []
    for fields in _objects(file):
        prompt = _read_induction(fields, known)
        if sharing.setdefault(prompt.rule, prompt.correction_ids) != prompt.correction_ids:
            fields.fail("corrections", f"the rule '{prompt.rule}' was shared by other corrections further up")
        read.append(prompt)
    return tuple(read)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What the lines before say about a line: ids seen so far and the line each is on."""

    lines: dict[str, int]
    superseded: set[str]
    days: list[int]


class _Fields:
    """One JSON object, read field by field; `within` is the path to it inside its line."""

    def __init__(self, values: object, file: Path, line: int, earlier: _Earlier, within: str = "") -> None:
        self.file, self.line, self.earlier, self.within = file, line, earlier, within
        if not isinstance(values, dict):
            self._refuse(within or "the line", f"must be an object, not {_kind(values)}")
        self._values: dict[str, object] = values

    def fail(self, field: str, problem: str) -> NoReturn:
        self._refuse(f"{self.within}.{field}" if self.within else field, problem)

    def _refuse(self, path: str, problem: str) -> NoReturn:
        raise ScenarioError(f"{self.file}, line {self.line}, {path}: {problem}.")

    def _take(self, field: str) -> object:
        if field not in self._values:
            self.fail(field, "is missing")
        return self._values[field]

    def only(self, *known: str) -> None:
        if unknown := sorted(set(self._values) - set(known)):
            self.fail(unknown[0], "is no field of the format")

    def text(self, field: str, *, may_be_empty: bool = False) -> str:
        return self._text(self._take(field), field, may_be_empty=may_be_empty)

    def optional_text(self, field: str) -> str | None:
        value = self._values.get(field)
        return None if value is None else self._text(value, field)

    def integer(self, field: str) -> int:
        value = self._take(field)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.fail(field, f"must be a whole number of 1 or more, not {json.dumps(value)[:40]}")
        return value

    def optional_integer(self, field: str) -> int | None:
        return None if self._values.get(field) is None else self.integer(field)

    def texts(self, field: str) -> tuple[str, ...]:
        return self._list(self._take(field), field, self._text)

    def phrases(self, field: str, *, optional: bool = False) -> tuple[str, ...]:
        value = self._values.get(field, []) if optional else self._take(field)
        return self._list(value, field, self._phrase)

    def groups(self, field: str) -> tuple[tuple[str, ...], ...]:
        def group(value: object, path: str) -> tuple[str, ...]:
            return self._list(value, path, self._phrase) or self.fail(path, "is a group without alternatives")

        return self._list(self._take(field), field, group)

    def objects(self, field: str) -> tuple[_Fields, ...]:
        def nested(value: object, path: str) -> _Fields:
            return _Fields(value, self.file, self.line, self.earlier, path)

        return self._list(self._take(field), field, nested)

    def _list(self, value: object, path: str, read: Callable[[object, str], _Read]) -> tuple[_Read, ...]:
        if not isinstance(value, list):
            self.fail(path, f"must be a list, not {_kind(value)}")
        return tuple(read(item, f"{path}[{i}]") for i, item in enumerate(value))

    def _text(self, value: object, path: str, *, may_be_empty: bool = False) -> str:
        if not isinstance(value, str):
            self.fail(path, f"must be text, not {_kind(value)}")
        if not value.strip() and not may_be_empty:
            self.fail(path, "is empty")
        if not value.isprintable() and any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(path, "holds half of a surrogate pair, which is no character")
        return value

    def _phrase(self, value: object, path: str) -> str:
        text = self._text(value, path)
        return text if is_phrase(text) else self.fail(path, f"has nothing to look for in '{text}'")


def _read_correction(fields: _Fields) -> ScenarioCorrection:
    fields.only(*_CORRECTION_FIELDS)
    name, day, kind = _read_id(fields), fields.integer("day"), fields.text("kind")
    if kind not in tuple(CorrectionKind):
        fields.fail("kind", f"must be fact or style, not '{kind}'")
    if fields.earlier.days and day < fields.earlier.days[-1]:
        fields.fail("day", f"goes back from day {fields.earlier.days[-1]} to day {day}")
    fields.earlier.days.append(day)
    taught = TaughtCorrection(
        id=name,
        prompt=fields.text("prompt"),
        target=fields.text("target"),
        rationale=fields.text("rationale", may_be_empty=True),
        supersedes=_read_supersedes(fields, name),
    )
    return ScenarioCorrection(
        taught=taught,
        day=day,
        kind=CorrectionKind(kind),
        check=_read_check(fields),
        rephrase=fields.texts("rephrase"),
        locality=tuple(_read_locality(nested) for nested in fields.objects("locality")),
        portability=tuple(_read_judged(nested) for nested in fields.objects("portability")),
        transfer=tuple(_read_judged(nested) for nested in fields.objects("transfer")),
    )


def _read_id(fields: _Fields) -> str:
    name = fields.text("id")
    if (line := fields.earlier.lines.setdefault(name, fields.line)) != fields.line:
        fields.fail("id", f"'{name}' is already used in line {line}")
    return name


def _read_supersedes(fields: _Fields, name: str) -> str | None:
    replaced = fields.optional_text("supersedes")
    if replaced is not None:
        if replaced == name or replaced not in fields.earlier.lines:
            fields.fail("supersedes", f"no earlier correction is called '{replaced}'")
        if replaced in fields.earlier.superseded:
            fields.fail("supersedes", f"'{replaced}' was superseded before; name the correction that replaced it")
        fields.earlier.superseded.add(replaced)
    return replaced


def _read_check(fields: _Fields) -> Check:
    pattern = fields.optional_text("pattern")
    if pattern is not None and (fault := pattern_fault(pattern)):
        fields.fail("pattern", fault)
    check = Check(
        include=fields.groups("include"),
        exclude=fields.phrases("exclude"),
        pattern=pattern,
        max_words=fields.optional_integer("max_words"),
    )
    if check.is_empty:
        fields.fail("include", "the answer has no condition at all")
    return check


def _read_locality(fields: _Fields) -> JudgedPrompt:
    fields.only("prompt", "exclude")
    return JudgedPrompt(fields.text("prompt"), Check(exclude=fields.phrases("exclude")))


def _read_judged(fields: _Fields) -> JudgedPrompt:
    fields.only("prompt", "include", "exclude")
    check = Check(include=fields.groups("include"), exclude=fields.phrases("exclude", optional=True))
    if check.is_empty:
        fields.fail("include", "the answer has no condition at all")
    return JudgedPrompt(fields.text("prompt"), check)


def _read_induction(fields: _Fields, known: Collection[str]) -> InductionPrompt:
    fields.only("id", "rule", "corrections", "prompt", "include", "exclude", "pattern", "max_words")
    name, sharing = _read_id(fields), fields.texts("corrections")
    for i, correction in enumerate(sharing):
        if correction not in known:
            fields.fail(f"corrections[{i}]", f"no correction is called '{correction}'")
    if len(set(sharing)) < FEWEST_SHARING:
        fields.fail("corrections", "a rule is shared by two corrections or more")
    return InductionPrompt(name, fields.text("rule"), sharing, fields.text("prompt"), _read_check(fields))


def _read_general(fields: _Fields) -> Probe:
    fields.only("id", "prompt", "include")
    name, check = _read_id(fields), Check(include=fields.groups("include"))
    if check.is_empty:
        fields.fail("include", "the answer has no condition at all")
    return Probe(name, ProbeKind.GENERAL, fields.text("prompt"), check)


def _read_description(file: Path) -> tuple[str, str]:
    try:
        values = parse_toml(_read_text(file))
    except ValueError as error:
        raise ScenarioError(f"{file} is no valid TOML: {error}.") from error
    if values.get("format_version") != FORMAT_VERSION:
        found = values.get("format_version", "none")
        raise ScenarioError(f"{file}, format_version: {found}, but this studio reads {FORMAT_VERSION}.")
    for field in ("title", "description"):
        if not isinstance(values.get(field), str):
            raise ScenarioError(f"{file}, {field}: {'must be text' if field in values else 'is missing'}.")
    return values["title"], values["description"]


def _objects(file: Path) -> Iterator[_Fields]:
    earlier = _Earlier({}, set(), [])
    # Not splitlines(): a JSON string may hold a Unicode line separator.
    for number, line in enumerate(_read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=_without_repeated_keys)
        except json.JSONDecodeError as error:
            raise ScenarioError(f"{file}, line {number}, column {error.colno}: no valid JSON ({error.msg}).") from error
        except (ValueError, RecursionError) as error:
            problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ScenarioError(f"{file}, line {number}: {problem}.") from error
        yield _Fields(values, file, number, earlier)


class _RepeatedKeyError(ValueError):
    pass


def _without_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in pairs:
        if key in values:
            raise _RepeatedKeyError(f"the field '{key}' is given twice")
        values[key] = value
    return values


def _read_text(file: Path) -> str:
    try:
        raw = read_small(file, MOST_BYTES)
    except OSError as error:
        raise ScenarioError(f"{file} cannot be read ({error.strerror}).", "A scenario needs this file.") from error
    except ValueError as error:
        raise ScenarioError(f"{file} cannot be read: {error}.", "Part it into several scenarios.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{file}, line {line}: is not UTF-8.", "Save the file as UTF-8.") from error


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
