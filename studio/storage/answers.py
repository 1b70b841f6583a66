"""Answers with their provenance, the lessons they were given, and what the user thought of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from studio.domain.generation import ChatMessage, FinishReason
from studio.domain.log import Answer, ArmPreferences, Feedback, Given, Said, Turn, Unjudged
from studio.domain.same_question import folded
from studio.errors import NotFoundError
from studio.storage.conversations import turn_from
from studio.storage.database import Database
from studio.storage.provenance import from_json, sequence_from_json, to_json
from studio.storage.same_question import may_ask
from studio.storage.session import Row, moment
from studio.storage.unjudged import WHOLE, all_unjudged, first_unjudged

_COLUMNS = (
    "id, turn_id, arm, text, finish_reason, given, messages,"
    " prompt_tokens, completion_tokens, first_token_s, latency_s, created_at, mean_log_probability,"
    " thinking"
)
_ANSWER = (
    "a.id, a.turn_id, a.arm, a.text, a.finish_reason, a.given, a.messages,"
    " a.prompt_tokens, a.completion_tokens, a.first_token_s, a.latency_s, epoch_us(a.created_at),"
    " a.mean_log_probability, coalesce(a.thinking, '')"
)
_ANSWER_WIDTH = 14

# The latest word on an answer; NULL where it was withdrawn. A struct, because arg_max passes over NULLs.
_LATEST_FEEDBACK_OF = """
    SELECT answer_id, max(seq) AS seq, arg_max({{'word': feedback}}, seq).word AS feedback
    FROM feedback {which} GROUP BY answer_id
"""
_LATEST_FEEDBACK = _LATEST_FEEDBACK_OF.format(which="")
_LATEST_FEEDBACK_OF_SOME = _LATEST_FEEDBACK_OF.format(which="WHERE answer_id IN (SELECT unnest(?::VARCHAR[]))")

# Answers that tell how fast a model decodes: long enough, and not so old that the machine may have been another.
_FEWEST_TOKENS, _FEWEST_ANSWERS, _LATEST = 16, 3, 50


class AnswerTable:
    """Implements domain.ports.AnswerStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, answers: Sequence[Answer]) -> None:
        """Write all or none, with a lesson_use row for each lesson given."""
        uses = [(use.lesson_id, answer.id, use.score, use.rank) for answer in answers for use in answer.given.lessons]
        with self._database.writing() as session:
            session.insert("answer", _COLUMNS, [_row(answer) for answer in answers])
            session.insert("lesson_use", "lesson_id, answer_id, score, rank", uses)

    def get(self, answer_id: str) -> Answer:
        """Raises NotFoundError."""
        with self._database.reading() as session:
            row = session.row(f"SELECT {_ANSWER} FROM answer a WHERE a.id = ?", answer_id)
        if row is None:
            raise _unknown(answer_id)
        return _answer(row)

    def of_turns(self, turn_ids: Sequence[str]) -> dict[str, list[Answer]]:
        """Answers by turn id, in order of creation; turns without answers are absent."""
        if not turn_ids:
            return {}
        with self._database.reading() as session:
            rows = session.rows(
                f"SELECT {_ANSWER} FROM answer a WHERE a.turn_id IN (SELECT unnest(?::VARCHAR[]))"
                " ORDER BY a.created_at, a.id",
                list(turn_ids),
            )
        found = defaultdict(list)
        for answer in map(_answer, rows):
            found[answer.turn_id].append(answer)
        return dict(found)

    def to_prompt(self, prompt: str) -> list[Answer]:
        """Every answer ever given to exactly this prompt, oldest first: 'then and now'."""
        with self._database.reading() as session:
            rows = session.rows(
                f"SELECT {_ANSWER} FROM answer a JOIN turn t ON t.id = a.turn_id WHERE t.prompt = ?"
                " ORDER BY a.created_at, a.id",
                prompt,
            )
        return [_answer(row) for row in rows]

    def add_feedback(self, answer_id: str, feedback: Feedback, at: datetime, *, blind: bool = False) -> None:
        """The latest word counts; `blind`: it was said with the arms' names hidden. Raises NotFoundError."""
        self._append_feedback(answer_id, feedback, at, blind=blind)

    def withdraw_feedback(self, answer_id: str) -> None:
        """Raises NotFoundError."""
        self._append_feedback(answer_id, None, None)

    def preferences(self) -> list[ArmPreferences]:
        """Of every arm that was in a comparison; the most often preferred first."""
        with self._database.reading() as session:
            rows = session.rows(
                "SELECT arm, compared, preferred, compared_blind, preferred_blind FROM preferences_by_arm"
                " ORDER BY share DESC, arm"
            )
        return [ArmPreferences(*row) for row in rows]

    def accepted(self) -> list[tuple[Answer, Turn]]:
        """Answers whose latest feedback is that they are good, in the order in which that was said."""
        with self._database.reading() as session:
            rows = session.rows(
                f"SELECT {_ANSWER}, t.id, t.conversation_id, t.position, t.prompt, epoch_us(t.created_at)"
                f" FROM ({_LATEST_FEEDBACK}) f JOIN answer a ON a.id = f.answer_id JOIN turn t ON t.id = a.turn_id"
                " WHERE f.feedback = ? ORDER BY f.seq",
                Feedback.ACCEPTED.value,
            )
        return [(_answer(row[:_ANSWER_WIDTH]), turn_from(row[_ANSWER_WIDTH:])) for row in rows]

    def said(self, folded_questions: Collection[str]) -> list[Said]:
        """Oldest first, the answers to these questions, as `domain.same_question.folded` writes them."""
        with self._database.reading() as session:
            rows = session.rows(
                # Materialised, or the condition is tried on each answer of a question anew.
                f"WITH asked AS MATERIALIZED (SELECT id, prompt FROM turn WHERE {may_ask('prompt')})"
                " SELECT a.id, t.prompt, a.arm, a.text, a.finish_reason, epoch_us(a.created_at),"
                " coalesce(f.feedback = ?, false), coalesce(a.given->>'$.model_sha256', '')"
                " FROM answer a JOIN asked t ON t.id = a.turn_id"
                f" LEFT JOIN ({_LATEST_FEEDBACK}) f ON f.answer_id = a.id ORDER BY a.created_at, a.id",
                list(folded_questions),
                Feedback.ACCEPTED.value,
            )
        return [
            Said(answer_id, prompt, arm, text, FinishReason(reason), moment(created_us), accepted, model)
            for answer_id, prompt, arm, text, reason, created_us, accepted, model in rows
            if folded(prompt) in folded_questions
        ]

    def tokens_per_second(self, model_sha256: str) -> float | None:
        """The median of the latest answers that this model decoded alone, without an adapter; None of fewer than 3."""
        with self._database.reading() as session:
            row = session.row(
                "WITH alone AS (SELECT a.completion_tokens, a.latency_s - a.first_token_s AS s FROM answer a"
                " WHERE a.given->>'$.model_sha256' = ? AND a.finish_reason IN (SELECT unnest(?::VARCHAR[]))"
                " AND a.given->>'$.adapter_id' IS NULL AND a.given->>'$.reader_sha256' IS NULL"
                f" AND a.completion_tokens >= {_FEWEST_TOKENS} AND a.latency_s > a.first_token_s"
                " AND NOT EXISTS (FROM answer o WHERE o.turn_id = a.turn_id AND o.id <> a.id)"
                f" ORDER BY a.created_at DESC LIMIT {_LATEST})"
                " SELECT median((completion_tokens - 1) / s), count(*) FROM alone",
                model_sha256,
                WHOLE,
            )
        return float(row[0]) if row is not None and row[1] >= _FEWEST_ANSWERS else None

    def unjudged(self, arm: str, most: int | None = None) -> list[Unjudged]:
        """Newest first: questions the user asked, of which no answer was judged, each by the latest answer of this arm,
        or where there is none by the latest of any. With `most`, of those that cannot have been corrected elsewhere
        only so many, the most doubtful."""
        with self._database.reading() as session:
            rows = all_unjudged(session, arm) if most is None else first_unjudged(session, arm, most)
        return [
            Unjudged(turn_from(row[5:10]), answer_id, arm_, text, moment(created_us), sure, *row[10:])
            for row in rows
            for answer_id, arm_, text, created_us, sure in [row[:5]]
        ]

    def feedback_of(self, answer_ids: Sequence[str]) -> dict[str, Feedback]:
        """The latest feedback of each answer that has any."""
        if not answer_ids:
            return {}
        with self._database.reading() as session:
            rows = session.rows(
                f"SELECT answer_id, feedback FROM ({_LATEST_FEEDBACK_OF_SOME}) WHERE feedback IS NOT NULL",
                list(answer_ids),
            )
        return {answer_id: Feedback(feedback) for answer_id, feedback in rows}

    def _append_feedback(
        self, answer_id: str, feedback: Feedback | None, at: datetime | None, *, blind: bool = False
    ) -> None:
        with self._database.writing() as session:
            if session.row("SELECT 1 FROM answer WHERE id = ?", answer_id) is None:
                raise _unknown(answer_id)
            session.execute(
                "INSERT INTO feedback (answer_id, feedback, created_at, blind) VALUES (?, ?, coalesce(?, now()), ?)",
                answer_id,
                feedback.value if feedback else None,
                at,
                blind,
            )


def _row(answer: Answer) -> tuple[object, ...]:
    return (
        answer.id,
        answer.turn_id,
        answer.arm,
        answer.text,
        answer.finish_reason.value,
        to_json(answer.given),
        to_json(answer.messages),
        answer.prompt_tokens,
        answer.completion_tokens,
        answer.first_token_s,
        answer.latency_s,
        answer.created_at,
        answer.mean_log_probability,
        answer.thinking,
    )


def _answer(row: Row) -> Answer:
    answer_id, turn_id, arm, text, reason, given, messages, *counts_and_times, created_us, sure, thinking = row
    prompt_tokens, completion_tokens, first_token_s, latency_s = counts_and_times
    return Answer(
        id=answer_id,
        turn_id=turn_id,
        arm=arm,
        text=text,
        finish_reason=FinishReason(reason),
        given=from_json(given, Given),
        messages=sequence_from_json(messages, ChatMessage),
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        first_token_s=first_token_s,
        latency_s=latency_s,
        created_at=moment(created_us),
        mean_log_probability=sure,
        thinking=thinking,
    )


def _unknown(answer_id: str) -> NotFoundError:
    return NotFoundError(f"There is no answer '{answer_id}' in the log.")
