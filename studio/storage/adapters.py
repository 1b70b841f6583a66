"""Adapters and which of them was active when: the latest activation of a model counts."""

from __future__ import annotations

from datetime import datetime

from studio.domain.nights import Adapter
from studio.errors import NotFoundError
from studio.storage.database import Database
from studio.storage.session import Row, moment

_COLUMNS = "id, version, model_sha256, night_id, path, sha256, method, rank, scale, removed, created_at"
_ADAPTERS = """
    SELECT a.id, a.version, a.model_sha256, a.night_id, a.path, a.sha256, a.method, a.rank, a.scale,
           epoch_us(a.created_at), coalesce(v.adapter_id = a.id AND NOT a.removed, false) AS active, a.removed
    FROM adapter a
    LEFT JOIN (
        SELECT model_sha256, arg_max({'id': adapter_id}, seq).id AS adapter_id
        FROM adapter_activation GROUP BY model_sha256
    ) v ON v.model_sha256 = a.model_sha256
"""


class AdapterTable:
    """Implements domain.ports.AdapterStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, adapter: Adapter) -> None:
        """`active` is of no account: it follows from `activate`."""
        a = adapter
        row = (
            a.id,
            a.version,
            a.model_sha256,
            a.night_id,
            a.path,
            a.sha256,
            a.method,
            a.rank,
            a.scale,
            a.removed,
            a.created_at,
        )
        with self._database.writing() as session:
            session.insert("adapter", _COLUMNS, [row])

    def next_version(self, model_sha256: str) -> int:
        """One more than the model's highest version, removed ones included; 1 for the first."""
        with self._database.reading() as session:
            row = session.row("SELECT coalesce(max(version), 0) + 1 FROM adapter WHERE model_sha256 = ?", model_sha256)
        return int(row[0]) if row else 1

    def all(self, model_sha256: str | None = None) -> list[Adapter]:
        """By version, lowest first; of one model or of all."""
        with self._database.reading() as session:
            rows = session.rows(
                f"{_ADAPTERS} WHERE a.model_sha256 = ? OR ? IS NULL ORDER BY a.model_sha256, a.version, a.id",
                model_sha256,
                model_sha256,
            )
        return [_adapter(row) for row in rows]

    def active(self, model_sha256: str) -> Adapter | None:
        """None where no adapter was activated, the last activation was of none, or its adapter was removed."""
        with self._database.reading() as session:
            row = session.row(f"{_ADAPTERS} WHERE a.model_sha256 = ? AND active", model_sha256)
        return _adapter(row) if row else None

    def activate(self, model_sha256: str, adapter_id: str | None, reason: str, at: datetime) -> None:
        """Make this the one active adapter of the model; None for no adapter. Raises NotFoundError."""
        with self._database.writing() as session:
            if adapter_id is not None:
                known = session.row(
                    "SELECT 1 FROM adapter WHERE id = ? AND model_sha256 = ? AND NOT removed", adapter_id, model_sha256
                )
                if known is None:
                    raise _unknown(adapter_id)
            session.insert(
                "adapter_activation",
                "model_sha256, adapter_id, reason, created_at",
                [(model_sha256, adapter_id, reason, at)],
            )

    def dangling(self) -> list[str]:
        """The models whose adapter in use is not there any more: not in the log, or removed."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT model_sha256 FROM (SELECT model_sha256, arg_max({'id': adapter_id}, seq).id AS id"
                " FROM adapter_activation GROUP BY model_sha256)"
                " WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM adapter WHERE NOT removed) ORDER BY ALL"
            )
        return [str(model) for (model,) in rows]

    def activations(self, model_sha256: str) -> list[tuple[datetime, str | None]]:
        """When which adapter was put into use, oldest first; None where from then on none was."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT epoch_us(created_at), adapter_id FROM adapter_activation WHERE model_sha256 = ? ORDER BY seq",
                model_sha256,
            )
        return [(moment(created_us), adapter_id) for created_us, adapter_id in rows]

    def set_scale(self, adapter_id: str, scale: float) -> None:
        """Raises NotFoundError."""
        with self._database.writing() as session:
            if not session.rows("UPDATE adapter SET scale = ? WHERE id = ? RETURNING id", scale, adapter_id):
                raise _unknown(adapter_id)

    def mark_removed(self, adapter_id: str) -> None:
        """Its file is gone; the row stays for the answers that name it. Raises NotFoundError."""
        with self._database.writing() as session:
            if not session.rows("UPDATE adapter SET removed = true WHERE id = ? RETURNING id", adapter_id):
                raise _unknown(adapter_id)


def _adapter(row: Row) -> Adapter:
    adapter_id, version, model_sha256, night_id, path, sha256, method, rank, scale, created_us, active, removed = row
    return Adapter(
        id=adapter_id,
        version=version,
        model_sha256=model_sha256,
        night_id=night_id,
        path=path,
        sha256=sha256,
        method=method,
        rank=rank,
        scale=scale,
        created_at=moment(created_us),
        active=active,
        removed=removed,
    )


def _unknown(adapter_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no adapter '{adapter_id}' of this model to use.", "`studio adapters list` shows those there are."
    )
