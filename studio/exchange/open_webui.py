"""Open WebUI's export of feedback: an array of ratings, each with the conversation it was given in.

A reply that was edited and saved holds the text before as `originalContent`. A reply rated good is the right answer;
the others to the same question are what it was preferred to. One rated bad says what is right only in the arena, where
it was the worse of two. Schema: backend/open_webui/models/feedbacks.py and the chat's `history` in Chat.svelte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.domain.generation import ChatMessage, Role
from studio.domain.imports import Draft
from studio.exchange.rows_in import labels_of, time_of

NAME = "Open WebUI feedback"
_LONGEST_THREAD = 10_000

Message = dict[str, Any]


def is_feedback(row: Mapping[str, Any]) -> bool:
    """Whether it is one rating of such an export."""
    return isinstance(row.get("data"), dict) and "rating" in row["data"] and ("meta" in row or "snapshot" in row)


def read_feedback(row: Mapping[str, Any]) -> Draft | str:
    """The rating as a correction, or why it is none."""
    data, meta = row["data"], _dict(row.get("meta"))
    messages = _messages(row)
    rated = messages.get(str(meta.get("message_id")))
    if rated is None:
        return "the conversation that was rated is not in it"
    thread = _thread(messages, rated)
    if thread is None or thread[-1].role is not Role.USER:
        return "no question stands before the answer"
    answer, others = _content(rated), _others(messages, rated)
    before = rated.get("originalContent")
    if isinstance(before, str) and before and before != answer:
        corrected, original = answer, before
    elif str(data["rating"]) in ("1", "1.0"):
        corrected, original = answer, others[0] if others else ""
    elif meta.get("arena") and len(others) == 1:
        corrected, original = others[0], answer
    else:
        return "it was rated bad, and nothing says what would be right"
    comment, reason = data.get("comment"), data.get("reason")
    return Draft(
        prompt=thread[-1].content,
        corrected=corrected,
        original=original,
        history=tuple(thread[:-1]),
        created_at=time_of(row.get("updated_at") or row.get("created_at")),
        rationale=comment if isinstance(comment, str) and comment else reason if isinstance(reason, str) else "",
        labels=labels_of(data.get("tags")),
    )


def _messages(row: Mapping[str, Any]) -> dict[str, Message]:
    """The conversation's messages by id."""
    chat = _dict(_dict(row.get("snapshot")).get("chat"))
    chat = _dict(chat.get("chat")) or chat
    by_id = _dict(_dict(chat.get("history")).get("messages"))
    if not by_id and isinstance(chat.get("messages"), list):
        by_id = {str(one.get("id")): one for one in chat["messages"] if isinstance(one, dict)}
    return {str(key): one for key, one in by_id.items() if isinstance(one, dict)}


def _thread(messages: dict[str, Message], rated: Message) -> list[ChatMessage] | None:
    """What was said before, oldest first, without system messages; None where the chain of parents has no end."""
    said: list[ChatMessage] = []
    parent = rated.get("parentId")
    for _ in range(_LONGEST_THREAD):
        one = messages.get(str(parent))
        if one is None:
            return said[::-1] or None
        if one.get("role") in ("user", "assistant"):
            said.append(ChatMessage(Role(one["role"]), _content(one)))
        parent = one.get("parentId")
    return None


def _others(messages: dict[str, Message], rated: Message) -> list[str]:
    """The other answers to the same question, latest first."""
    texts = [
        _content(one)
        for one in messages.values()
        if one is not rated and one.get("role") == "assistant" and one.get("parentId") == rated.get("parentId")
    ]
    return [text for text in reversed(texts) if text.strip() and text != _content(rated)]


def _content(message: Message) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
