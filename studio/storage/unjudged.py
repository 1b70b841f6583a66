"""Questions of which no answer was judged, as SQL: of an old log the first without going through all of it."""

from __future__ import annotations

from studio.domain.generation import FinishReason
from studio.domain.log import Origin
from studio.domain.same_question import folded
from studio.storage.same_question import folds_otherwise, may_ask
from studio.storage.session import Row, Session

WHOLE = [FinishReason.STOP.value, FinishReason.LENGTH.value]
_ASKED_BY_THE_USER = [Origin.CHAT.value, Origin.COMPARE.value, Origin.COMMAND.value, Origin.API.value]
# What `trim` would leave nothing of; of an old log `trim` takes six times as long.
_BLANK = r"\p{Zs}*"
# Of the answers of a table those that the user spoke well of last.
_LIKED = """
    SELECT answer_id FROM feedback {0}
    GROUP BY answer_id HAVING arg_max(feedback IS NOT NULL, seq)
"""
_DOUBT = "least(coalesce({0}.mean_log_probability, 0), 0), {0}.created_at DESC, {0}.id DESC"
"""As services.review_answers ranks what no correction is about."""


def _unjudged(looked: str = "", turn: str = "turn", answer: str = "answer", of_these: str = "") -> str:
    """What to select `FROM standing s`: the unjudged turns, each by the answer that stands for it.

    Where not all are looked at: what defines those, their tables, and which feedback is of these answers.
    """
    return f"""
    WITH undone AS MATERIALIZED (
        SELECT correction_id FROM correction_event GROUP BY correction_id HAVING arg_max(undone, seq)
    ),
    holding AS MATERIALIZED (
        SELECT c.turn_id, lower(c.prompt) AS prompt FROM correction c
        WHERE NOT EXISTS (FROM undone u WHERE u.correction_id = c.id)
    ),
    {looked}
    judged AS MATERIALIZED (
        SELECT a.turn_id FROM {answer} a WHERE a.id IN ({_LIKED.format(of_these)})
        UNION ALL SELECT turn_id FROM holding WHERE turn_id IS NOT NULL
    ),
    asked AS MATERIALIZED (
        SELECT t.id, t.conversation_id, t.position, t.prompt, t.created_at
        FROM {turn} t JOIN conversation v ON v.id = t.conversation_id
        WHERE v.origin IN (SELECT unnest($origins::VARCHAR[])) AND NOT EXISTS (FROM judged j WHERE j.turn_id = t.id)
    ),
    standing AS MATERIALIZED (
        SELECT a.id, a.arm, a.text, a.created_at, a.mean_log_probability,
               t.id AS turn_id, t.conversation_id, t.position, t.prompt, t.created_at AS asked_at
        FROM {answer} a JOIN asked t ON t.id = a.turn_id
        WHERE a.finish_reason IN (SELECT unnest($whole::VARCHAR[])) AND NOT regexp_full_match(a.text, '{_BLANK}')
        QUALIFY row_number() OVER (PARTITION BY t.id ORDER BY a.arm = $arm DESC, a.created_at DESC, a.id DESC) = 1
    )
    SELECT s.id, s.arm, s.text, epoch_us(s.created_at), s.mean_log_probability,
           s.turn_id, s.conversation_id, s.position, s.prompt, epoch_us(s.asked_at)
"""


_ALL_UNJUDGED = f"""
    {_unjudged()}
    FROM standing s ORDER BY s.created_at DESC, s.id DESC
"""
# Turns that a correction may be about, and those of the most doubtful answers. Whether these are enough is known from
# how many of them are left.
_LOOKED_FIRST = f"""
    corrected AS MATERIALIZED (
        SELECT t.id FROM turn t
        WHERE (lower(t.prompt) IN (SELECT prompt FROM holding) OR {may_ask("t.prompt", "$corrected")})
          AND NOT EXISTS (FROM holding h WHERE h.turn_id = t.id)
    ),
    read AS MATERIALIZED (
        SELECT a.id, a.turn_id, a.mean_log_probability, a.created_at
        FROM answer a WHERE a.finish_reason IN (SELECT unnest($whole::VARCHAR[]))
        ORDER BY {_DOUBT.format("a")} LIMIT $read
    ),
    doubtful AS MATERIALIZED (
        SELECT r.id, r.turn_id FROM read r
        WHERE r.id NOT IN ({_LIKED.format("WHERE answer_id IN (SELECT id FROM read)")})
        ORDER BY {_DOUBT.format("r")} LIMIT $looked_at
    ),
    looked AS MATERIALIZED (SELECT id FROM corrected UNION SELECT turn_id FROM doubtful),
    looked_turn AS MATERIALIZED (
        SELECT id, conversation_id, position, prompt, created_at
        FROM turn WHERE rowid IN (SELECT rowid FROM turn WHERE id IN (FROM looked))
    ),
    looked_answer AS MATERIALIZED (
        SELECT id, turn_id, arm, text, finish_reason, created_at, mean_log_probability
        FROM answer WHERE rowid IN (SELECT rowid FROM answer WHERE turn_id IN (FROM looked))
    ),
"""
"""By their row ids: else all columns of all rows would be read beside the ids of a few."""
_UNJUDGED_OF_FEW = _unjudged(
    _LOOKED_FIRST, "looked_turn", "looked_answer", "WHERE answer_id IN (SELECT id FROM looked_answer)"
)
_FIRST_UNJUDGED = f"""
    {_UNJUDGED_OF_FEW}, s.may_be_corrected, d.all_looked_at
    FROM (
        SELECT (SELECT count(*) FROM read) < $read AND (SELECT count(*) FROM doubtful) < $looked_at AS all_looked_at
    ) d
    LEFT JOIN (
        SELECT s.*, c.id IS NOT NULL AS may_be_corrected FROM standing s LEFT JOIN corrected c ON c.id = s.turn_id
        WHERE c.id IS NOT NULL OR s.id IN (SELECT id FROM doubtful)
        QUALIFY c.id IS NOT NULL OR row_number() OVER (PARTITION BY c.id IS NULL ORDER BY {_DOUBT.format("s")}) <= $most
    ) s ON true
    ORDER BY s.created_at DESC, s.id DESC
"""
# Of the answers read many were accepted before; few of the rest do not stand for their question, or it was judged.
_READ_FOR_ONE, _LOOKED_AT_FOR_ONE = 100, 4
_MORE = 16
"""So many times as many are looked at where too few were left."""


def all_unjudged(session: Session, arm: str) -> list[Row]:
    """Newest first: answer, arm, text, time, mean log probability, and the turn as `turn_from` takes it."""
    return session.rows(_ALL_UNJUDGED, origins=_ASKED_BY_THE_USER, whole=WHOLE, arm=arm)


def first_unjudged(session: Session, arm: str, most: int) -> list[Row]:
    """Of those that cannot have been corrected elsewhere only so many, the most doubtful. Whether each may have been is
    its last value.

    More and more of the doubtful answers are looked at, until enough of them stand for a turn that is unjudged.
    """
    odd = session.rows(f"SELECT DISTINCT prompt FROM correction WHERE {folds_otherwise('prompt')}")
    corrected = [folded(prompt) for (prompt,) in odd]
    asked = {"origins": _ASKED_BY_THE_USER, "whole": WHOLE, "arm": arm}
    read, looked_at = _READ_FOR_ONE * most, _LOOKED_AT_FOR_ONE * most
    while True:
        more = {"corrected": corrected, "most": most, "read": read, "looked_at": looked_at}
        found = session.rows(_FIRST_UNJUDGED, **asked, **more)
        rows, (*_, all_looked_at) = [row for row in found if row[0] is not None], found[0]
        if all_looked_at or sum(not may_be_corrected for *_, may_be_corrected, _ in rows) >= most:
            return [row[:-1] for row in rows]
        read, looked_at = _MORE * read, _MORE * looked_at
