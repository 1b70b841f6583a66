"""What should perhaps not leave the machine: found by explicit rules, shown in context, replaced consistently.

Names are those the user gives. E-mail addresses, telephone numbers, keys and paths are found by the patterns below;
they are rules, not a promise: what they cannot know (a home address, a diagnosis) they do not find.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

CONTEXT = 30


class Privacy(StrEnum):
    """What is done with findings. `REPORT` lists them and writes nothing."""

    REPORT = "report"
    REPLACE = "replace"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in a text: what was found, of which kind, between what stood before and after it.

    `put` is what takes its place: as was decided, or else a placeholder.
    """

    kind: str
    found: str
    before: str
    after: str
    put: str
    decided: bool


_ANNOUNCED_BY = r"password|passwd|passphrase|secret|api[ _-]?key|access[ _-]?key|token"

# In the order in which they win where two cover the same place; the user's names come last. What comes before each
# pattern are strings one of which it needs: looking for these first is what makes the pass quick.
_DIGITS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("KEY", ("-BEGIN ",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    # Tokens that say what they are: OpenAI, GitHub, GitLab, Hugging Face, Slack; AWS, Google, npm, PyPI; JSON Web.
    (
        "KEY",
        ("sk-", "gh", "glpat-", "hf_"),
        r"(?<![\w-])(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,})",
    ),
    (
        "KEY",
        ("xox", "KIA", "SIA", "AIza", "npm_", "pypi-"),
        r"(?<![\w-])(?:xox[a-z]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|npm_\w{20,}|pypi-[\w-]{20,})",
    ),
    ("KEY", ("eyJ",), r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    # What stands after a word that announces a secret.
    (
        "KEY",
        (":", "=", "earer ", "EARER "),
        rf"(?i:(?<![a-z])(?:{_ANNOUNCED_BY})[\"']?\s*[:=]\s*[\"']?|\bbearer )(?P<value>(?!<)[^\s\"',;<>]{{6,}})",
    ),
    ("EMAIL", ("@",), r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}"),
    # Windows drives and shares; home folders, and any absolute path of two parts. Addresses of the web are no paths.
    ("PATH", ("\\",), r"(?<![\w/])[A-Za-z]:\\[^\s\"'<>|]+|\\\\[\w.-]+\\[^\s\"'<>|]+"),
    ("PATH", ("/",), r"(?<![\w/.:~])(?:file://)?(?:~|/[\w.@+-]+)/[^\s\"'<>|,;:()]*[^\s\"'<>|,;:().?!]"),
    # International; with the code in brackets; national, from 0; three groups as in North America.
    ("PHONE", ("+", "00"), r"(?<![\w.+-])(?:\+|00)[1-9](?:[ ()./-]{0,2}[0-9]){6,13}(?![\w-]|\.[0-9])"),
    ("PHONE", ("(",), r"(?<![\w.+-])\([0-9]{1,6}\)(?:[ ./-]{0,2}[0-9]){5,10}(?![\w-]|\.[0-9])"),
    (
        "PHONE",
        _DIGITS,
        r"(?<![\w.+-])(?:0[1-9](?:[ /-]?[0-9]){6,11}|[0-9]{3}[ .-][0-9]{3}[ .-][0-9]{4})(?![\w-]|\.[0-9])",
    ),
    # Long strings that are no word: letters and digits mixed.
    (
        "KEY",
        _DIGITS,
        r"(?<![\w+/=-])(?=[A-Za-z_+/]*[0-9])(?=[0-9_+/]*[A-Za-z])[A-Za-z0-9_+/]{32,}={0,2}(?![\w+/=-])",
    ),
)

# Wider than the rules and without looking around, for RE2: what it does not match holds no finding. It must hold for
# texts that stand in JSON too, where what precedes a number may be the end of an escape.
_BEFORE = r"(?:^|[^0-9A-Za-z_.+-]|\\[bfnrt]|\\u[0-9A-Fa-f]{4})"
_SCREEN = (
    r"@|-----BEGIN|sk-|gh[pousr]_|github_pat_|glpat-|hf_|xox[a-z]-|A[KS]IA|AIza|npm_|pypi-|eyJ"
    rf"|(?i:{_ANNOUNCED_BY}|bearer )|[A-Za-z]:\\|\\\\|~/|/[^/\n]+/"
    rf"|{_BEFORE}(?:\+[1-9]|0[0-9]|\([0-9])(?:[ ()./-]{{0,2}}[0-9]){{5}}"
    rf"|{_BEFORE}[0-9]{{3}}[ .-][0-9]{{3}}[ .-][0-9]{{4}}|[0-9A-Za-z_+/]{{32}}"
)


@dataclass
class Redactor:
    """Finds, and replaces the same by the same: `<EMAIL_1>` stands for one address throughout an export.

    `names` are found as whole words whatever their case. `keep` are findings the user lets stand; they are not told.
    `decisions` say what to put in the place of each of these texts, itself to let it stand; what is not among them gets
    a placeholder, or stays with `only_decided`. `counts` are of what was found and of what was replaced, by kind.
    """

    names: Sequence[str] = ()
    keep: Sequence[str] = ()
    decisions: Mapping[str, str] = field(default_factory=dict)
    only_decided: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    _placeholders: dict[tuple[str, str], str] = field(default_factory=dict)
    _numbers: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._kept = {same(text) for text in self.keep}
        self._decided = {same(found): put for found, put in self.decisions.items()}
        self._taken = set(self._decided.values())
        self._rules = [(kind, needed, re.compile(pattern)) for kind, needed, pattern in _RULES]
        if names := _longest_first(self.names):
            pattern = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
            self._rules.append(("NAME", (), re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)))

    @property
    def screen(self) -> str:
        """An RE2 pattern that matches every text with a finding in it, and some others."""
        words = [word for name in _longest_first(self.names) for word in name.split()[:1]]
        return f"{_SCREEN}|(?i:{'|'.join(map(_re2_literal, words))})" if words else _SCREEN

    def text(self, text: str) -> str:
        """The text with something else in the place of every finding that is not to stand."""
        parts, end = [], 0
        for kind, start, stop in self._places(text):
            found = text[start:stop]
            if (put := self._put(kind, found)) is not None:
                parts += [text[end:start], put]
                end = stop
                self.counts[kind] += 1
        return "".join([*parts, text[end:]]) if end else text

    def find(self, text: str) -> Iterator[Finding]:
        """The findings, in order, each with what stands around it."""
        for kind, start, stop in self._places(text):
            before, after = text[max(0, start - CONTEXT) : start], text[stop : stop + CONTEXT]
            found = text[start:stop]
            decision = self._decided.get(same(found))
            self.counts[kind] += 1
            put = self._placeholder(kind, found) if decision is None else decision
            yield Finding(kind, found, before, after, put, decision is not None)

    def _places(self, text: str) -> list[tuple[str, int, int]]:
        taken: list[tuple[int, int]] = []
        places = []
        for kind, needed, pattern in self._rules:
            if needed and not any(part in text for part in needed):
                continue
            for match in pattern.finditer(text):
                start, stop = match.span("value" if "value" in pattern.groupindex else 0)
                if start < 0 or any(start < end and begin < stop for begin, end in taken):
                    continue
                taken.append((start, stop))
                if same(text[start:stop]) not in self._kept:
                    places.append((kind, start, stop))
        return sorted(places, key=lambda place: place[1])

    def _put(self, kind: str, found: str) -> str | None:
        """What takes its place; None where it stands."""
        decision = self._decided.get(same(found))
        if decision is None:
            return None if self.only_decided else self._placeholder(kind, found)
        return None if same(decision) == same(found) else decision

    def _placeholder(self, kind: str, found: str) -> str:
        key = (kind, same(found))
        while key not in self._placeholders:
            self._numbers[kind] += 1
            # One that was decided for stands for something else.
            if (new := f"<{kind}_{self._numbers[kind]}>") not in self._taken:
                self._placeholders[key] = new
        return self._placeholders[key]


def same(text: str) -> str:
    """What is alike in findings that are one: neither case nor spacing tells them apart."""
    return " ".join(text.casefold().split())


def _longest_first(names: Sequence[str]) -> list[str]:
    """So that 'Anna Lee' is found before 'Anna'; without the empty."""
    return sorted({" ".join(name.split()) for name in names if name.strip()}, key=lambda name: (-len(name), name))


def _re2_literal(word: str) -> str:
    """The word for RE2, letters outside ASCII in any case; quotes and backslashes, escaped in JSON, as anything."""
    return "".join(c if c.isalnum() else "." if c in "\"'\\" else f"\\x{{{ord(c):x}}}" for c in word)
