"""Nights: one row each, rewritten as the night goes on."""

from __future__ import annotations

from studio.domain.nights import Night, NightState
from studio.errors import NotFoundError
from studio.storage.database import Database
from studio.storage.provenance import mapping_from_json, mapping_to_json, texts
from studio.storage.session import Row, moment

_COLUMNS = "id, state, started_at, finished_at, model_sha256, correction_ids, config, metrics, reason, adapter_id"
_NIGHTS = """
    SELECT id, state, epoch_us(started_at), epoch_us(finished_at), model_sha256, correction_ids, config, metrics,
           reason, adapter_id
    FROM night
"""


class NightTable:
    """Implements domain.ports.NightStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, night: Night) -> None:
        with self._database.writing() as session:
            session.insert("night", _COLUMNS, [_row(night)])

    def update(self, night: Night) -> None:
        """Replace the row. Raises NotFoundError."""
        with self._database.writing() as session:
            if not session.rows("DELETE FROM night WHERE id = ? RETURNING id", night.id):
                raise _unknown(night.id)
            session.insert("night", _COLUMNS, [_row(night)])

    def get(self, night_id: str) -> Night:
        """Raises NotFoundError."""
        with self._database.reading() as session:
            row = session.row(f"{_NIGHTS} WHERE id = ?", night_id)
        if row is None:
            raise _unknown(night_id)
        return _night(row)

    def all(self) -> list[Night]:
        """Newest first."""
        with self._database.reading() as session:
            rows = session.rows(f"{_NIGHTS} ORDER BY started_at DESC, id DESC")
        return [_night(row) for row in rows]


def _row(night: Night) -> tuple[object, ...]:
    return (
        night.id,
        night.state.value,
        night.started_at,
        night.finished_at,
        night.model_sha256,
        list(night.correction_ids),
        mapping_to_json(night.config),
        mapping_to_json(night.metrics),
        night.reason,
        night.adapter_id,
    )


def _night(row: Row) -> Night:
    night_id, state, started_us, finished_us, model_sha256, correction_ids, config, metrics, reason, adapter_id = row
    return Night(
        id=night_id,
        state=NightState(state),
        started_at=moment(started_us),
        model_sha256=model_sha256,
        correction_ids=texts(correction_ids),
        config=mapping_from_json(config),
        metrics=mapping_from_json(metrics),
        reason=reason,
        finished_at=None if finished_us is None else moment(finished_us),
        adapter_id=adapter_id,
    )


def _unknown(night_id: str) -> NotFoundError:
    return NotFoundError(f"There is no night '{night_id}' in the log.")
