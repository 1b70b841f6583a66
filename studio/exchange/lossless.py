"""The lossless form: JSON Lines, one file for each kind of row, everything that cannot be computed again.

Every line is one JSON object in UTF-8 (no BOM, `\\n` after it) that begins with `"format_version": 1` and `"record"`
and so speaks for itself: files may be joined, cut and sorted by any tool, and the order of keys means nothing. Times
are text, UTC to the microsecond: `2026-03-01T22:15:00.123456Z`. Ids are UUIDv7 as text. What is not known is null;
every key is always there. A reader of version 1 passes over keys it does not know and refuses a higher version.

`corrections.jsonl`, record `correction`, oldest first, is enough by itself to bring corrections into another log:

- `id`: text; the same correction has the same id in every log
- `created_at`: time
- `prompt`, `original`, `corrected`: text; the question, the answer as the model gave it ("" if unknown), as it is to be
- `history`: list of `{"role", "content"}`, the messages before the prompt; role is system, user or assistant
- `check`: `{"include": [[text]], "exclude": [text], "pattern": text or null, "max_words": number or null}`
- `rationale`, `feedback`: text; why, and what the user said was wrong
- `labels`: list of text
- `arm`, `turn_id`, `answer_id`: text or null; of the answer it corrects, which may be in no log any more
- `supersedes`: text or null; the id of the correction it replaces
- `origin`: text, domain.log.Origin
- `undo_events`: list of `{"undone": bool, "at": time}`, oldest first; the last one counts
- `undone` (bool), `superseded_by`, `conversation_id`, `model_name`, `model_sha256`, `system` (text or null): computed
  from the rest of the log, for people and other tools; not to be read back

The other files hold the rows of the tables of the same name (storage/migrations), every column under its own name:
`conversations` (record `conversation`), `turns`, `answers` (with `feedback_events`, a list of
`{"feedback", "at", "blind"}`; a feedback of null withdraws), `lessons`, `lesson_revisions`, `adapters`,
`adapter_activations`, `nights`, `probes` and `probe_results`. Left out, for they are computed again: the vectors of
lessons, and lesson_use (it is in each answer's `given`). Where corrections were chosen, only what they belong to is
written: conversations, turns and answers.
"""

from __future__ import annotations

from typing import Any

import orjson

from studio.domain.exports import LOSSLESS_VERSION, holds_words
from studio.exchange.privacy import Redactor

FORMAT_VERSION = LOSSLESS_VERSION


def redacted_line(line: str, redactor: Redactor) -> bytes:
    """The row with every text in it redacted, ids and hashes left alone; without a newline at its end."""
    return orjson.dumps(_redacted(orjson.loads(line), redactor))


def texts_in(line: str) -> list[str]:
    """What `redacted_line` looks at."""
    texts: list[str] = []
    _walk(orjson.loads(line), texts)
    return texts


def _redacted(value: Any, redactor: Redactor, name: str = "") -> Any:
    if isinstance(value, str):
        return redactor.text(value) if holds_words(name) else value
    if isinstance(value, list):
        return [_redacted(item, redactor, name) for item in value]
    if isinstance(value, dict):
        return {key: _redacted(item, redactor, key) for key, item in value.items()}
    return value


def _walk(value: Any, texts: list[str], name: str = "") -> None:
    if isinstance(value, str) and holds_words(name):
        texts.append(value)
    elif isinstance(value, list):
        for item in value:
            _walk(item, texts, name)
    elif isinstance(value, dict):
        for key, item in value.items():
            _walk(item, texts, key)
