"""A correction as something to learn from: messages before the question, the question, what to say and what not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from studio.domain.exports import CorrectionRow
from studio.exchange.privacy import Redactor

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExampleOptions:
    """What of a correction is written. `default_system` is the system message where none is on record."""

    system: bool = True
    history: bool = True
    rationale: bool = False
    default_system: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """`history` is without its system message, which is `system`; `rejected` is "" where no answer was on record."""

    system: str
    history: tuple[Message, ...]
    prompt: str
    chosen: str
    rejected: str
    rationale: str | None

    @property
    def before(self) -> list[Message]:
        """All messages up to and with the question."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, *self.history, {"role": "user", "content": self.prompt}]

    @property
    def exchanges(self) -> list[list[str]] | None:
        """The history as pairs of question and answer; None where they do not take turns."""
        roles = [message["role"] for message in self.history]
        if roles != ["user", "assistant"] * (len(roles) // 2):
            return None
        texts = [message["content"] for message in self.history]
        return [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]


def example_of(row: CorrectionRow, options: ExampleOptions) -> Example:
    """The correction as these options want it."""
    history: list[Message] = orjson.loads(row.history) if row.history != "[]" and options.history else []
    system = row.system if row.system is not None else options.default_system
    if history and history[0]["role"] == "system":
        system = history.pop(0)["content"]
    return Example(
        system=system if options.system else "",
        history=tuple(history),
        prompt=row.prompt,
        chosen=row.corrected,
        rejected=row.original,
        rationale=row.rationale if options.rationale else None,
    )


def redacted_row(row: CorrectionRow, redactor: Redactor) -> CorrectionRow:
    """The correction with all that people and models wrote in it redacted."""
    history = orjson.loads(row.history)
    for message in history:
        message["content"] = redactor.text(message["content"])
    return row._replace(
        prompt=redactor.text(row.prompt),
        original=redactor.text(row.original),
        corrected=redactor.text(row.corrected),
        history=orjson.dumps(history).decode(),
        rationale=redactor.text(row.rationale),
        system=None if row.system is None else redactor.text(row.system),
    )


def texts_of(row: CorrectionRow, options: ExampleOptions) -> list[str]:
    """What would be written of it, for the privacy pass."""
    example = example_of(row, options)
    said = [str(message["content"]) for message in example.history]
    return [example.system, *said, example.prompt, example.rejected, example.chosen, example.rationale or ""]
