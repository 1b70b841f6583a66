"""Probes and what was answered to them, when and by which arm."""

from __future__ import annotations

from collections.abc import Sequence

from studio.domain.checks import Check
from studio.domain.nights import LastAsked, Probe, ProbeKind, ProbeResult
from studio.storage.database import Database
from studio.storage.provenance import from_json, to_json
from studio.storage.session import Row, moment

_RESULT_COLUMNS = (
    "probe_id, arm, text, ok, score, occasion, created_at,"
    " adapter_id, correction_id, prompt_tokens, first_token_s, latency_s, model_sha256, model_name"
)
_RESULTS = """
    SELECT probe_id, arm, text, ok, score, occasion, epoch_us(created_at),
           adapter_id, correction_id, prompt_tokens, first_token_s, latency_s,
           coalesce(model_sha256, ''), coalesce(model_name, '')
    FROM probe_result
"""


class ProbeTable:
    """Implements domain.ports.ProbeStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, probes: Sequence[Probe]) -> None:
        """Write those whose id is not known yet; a probe never changes once it was asked."""
        rows = [(p.id, p.kind.value, p.prompt, to_json(p.check), p.correction_id) for p in probes]
        with self._database.writing() as session:
            session.insert("probe", "id, kind, prompt, conditions, correction_id", rows, known="ON CONFLICT DO NOTHING")

    def all(self) -> list[Probe]:
        """In order of their ids."""
        with self._database.reading() as session:
            rows = session.rows("SELECT id, kind, prompt, conditions, correction_id FROM probe ORDER BY id")
        return [Probe(row[0], ProbeKind(row[1]), row[2], from_json(row[3], Check), row[4]) for row in rows]

    def add_results(self, results: Sequence[ProbeResult]) -> None:
        """Write all or none."""
        with self._database.writing() as session:
            session.insert("probe_result", _RESULT_COLUMNS, [_row(result) for result in results])

    def failing(self, arm: str, most: int | None = None) -> list[ProbeResult]:
        """The latest result with this arm of the probe of each correction in force, where it is wrong; newest first.
        With `most`, only so many."""
        with self._database.reading() as session:
            rows = session.rows(
                f"{_RESULTS} WHERE NOT ok AND seq IN (SELECT max(seq) FROM probe_result"
                " WHERE arm = ? AND correction_id IS NOT NULL GROUP BY probe_id) AND correction_id IN"
                " (SELECT s.correction_id FROM correction_state s WHERE NOT s.undone AND s.superseded_by IS NULL)"
                " ORDER BY created_at DESC, seq DESC LIMIT ?",
                arm,
                most,
            )
        return [_result(row) for row in rows]

    def results(self) -> list[ProbeResult]:
        """In the order they were written."""
        with self._database.reading() as session:
            rows = session.rows(f"{_RESULTS} ORDER BY seq")
        return [_result(row) for row in rows]

    def last_asked(self, occasion: str) -> list[LastAsked]:
        """Of every probe and arm with a result of this kind of occasion, which is what stands before its colon."""
        kind = "".join(occasion.partition(":")[:2])
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT probe_id, arm, max(seq), bool_or(occasion = ?) FROM probe_result"
                " WHERE starts_with(occasion, ?) GROUP BY probe_id, arm",
                occasion,
                kind,
            )
        return [LastAsked(*row) for row in rows]


def _row(result: ProbeResult) -> tuple[object, ...]:
    return (
        result.probe_id,
        result.arm,
        result.text,
        result.ok,
        result.score,
        result.occasion,
        result.created_at,
        result.adapter_id,
        result.correction_id,
        result.prompt_tokens,
        result.first_token_s,
        result.latency_s,
        result.model_sha256,
        result.model_name,
    )


def _result(row: Row) -> ProbeResult:
    probe_id, arm, text, ok, score, occasion, created_us, *rest = row
    adapter_id, correction_id, prompt_tokens, first_token_s, latency_s, model_sha256, model_name = rest
    return ProbeResult(
        probe_id=probe_id,
        arm=arm,
        text=text,
        ok=ok,
        score=score,
        occasion=occasion,
        created_at=moment(created_us),
        adapter_id=adapter_id,
        correction_id=correction_id,
        prompt_tokens=prompt_tokens,
        first_token_s=first_token_s,
        latency_s=latency_s,
        model_sha256=model_sha256,
        model_name=model_name,
    )
