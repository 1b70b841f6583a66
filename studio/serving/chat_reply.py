"""What goes back to a client: chat completions, their chunks, the list of models and errors, in OpenAI's form.

Besides OpenAI's fields a reply has `studio`: the answer's id in the log (`studio review correct ID`), and a note in
words on what was left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from studio.domain.generation import FinishReason
from studio.domain.identity import new_id
from studio.domain.log import Answer
from studio.errors import NotFoundError, PromptTooLongError, StudioError, UsageError
from studio.serving.chat_request import RequestError

OWNER = "correction-studio"


@dataclass(frozen=True)
class Refusal:
    """An error and its status. `code` is OpenAI's word for it where there is one."""

    status: HTTPStatus
    message: str
    code: str | None = None
    param: str | None = None

    @classmethod
    def of(cls, error: StudioError) -> Refusal:
        """How a failure is told to a client."""
        match error:
            case RequestError(param=param):
                return cls(HTTPStatus.BAD_REQUEST, str(error), "invalid_value", param)
            case NotFoundError():
                return cls(HTTPStatus.NOT_FOUND, str(error), "model_not_found", "model")
            case PromptTooLongError():
                return cls(HTTPStatus.BAD_REQUEST, str(error), "context_length_exceeded", "messages")
            case UsageError():
                return cls(HTTPStatus.BAD_REQUEST, str(error), "invalid_value")
        return cls(HTTPStatus.SERVICE_UNAVAILABLE, str(error), "unavailable")

    @property
    def body(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        if self.status is HTTPStatus.TOO_MANY_REQUESTS:
            kind = "rate_limit_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class Reply:
    """One reply in the making. `note` is on what of the request was left out."""

    note: str = ""
    include_usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{new_id()}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer) -> dict[str, Any]:
        """The answer in one piece."""
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.thinking:
            message["reasoning_content"] = answer.thinking
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}
        return {
            **self._head("chat.completion", answer.arm),
            "choices": [choice],
            "usage": _usage(answer),
            "studio": self._about(answer),
        }

    def piece(self, model: str, delta: dict[str, str]) -> dict[str, Any]:
        """A chunk with more of the answer."""
        return self._chunk(model, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])

    def end(self, answer: Answer) -> list[dict[str, Any]]:
        """The chunks that end a stream."""
        last = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _finish_reason(answer)}
        chunks = [{**self._chunk(answer.arm, [last]), "studio": self._about(answer)}]
        if self.include_usage:
            chunks.append({**self._chunk(answer.arm, []), "usage": _usage(answer)})
        return chunks

    def _chunk(self, model: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = {**self._head("chat.completion.chunk", model), "choices": choices}
        return {**chunk, "usage": None} if self.include_usage else chunk

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": model}

    def _about(self, answer: Answer) -> dict[str, str]:
        return {"answer": answer.id, "note": " ".join(filter(None, (self.note, answer.given.note)))}


def model_entry(arm: str, created: int) -> dict[str, Any]:
    """An arm as a model."""
    return {"id": arm, "object": "model", "created": created, "owned_by": OWNER}


def model_list(arms: Sequence[str], created: int) -> dict[str, Any]:
    """The arms as the list of models."""
    return {"object": "list", "data": [model_entry(arm, created) for arm in arms]}


def _finish_reason(answer: Answer) -> str:
    return "length" if answer.finish_reason is FinishReason.LENGTH else "stop"


def _usage(answer: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }
