"""A chat completions request, as OpenAI's clients send it, read and checked; what cannot be done is refused in words.

Fields that are not named here are ignored, as are those that only shade what is drawn (penalties, logit_bias, user).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from studio.domain.clients import ClientQuestion
from studio.domain.generation import ChatMessage, Role, Sampling
from studio.errors import UsageError

MOST_STOPS = 16
TOOLS_IGNORED = "The tools were left out: the arms call none."
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_BETWEEN = "\n\n"


class RequestError(UsageError):
    """What a client sent cannot be meant or done; `param` is the field."""

    def __init__(self, message: str, hint: str = "", *, param: str | None = None) -> None:
        super().__init__(message, hint)
        self.param = param


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`note` says in words what of the request was left out."""

    question: ClientQuestion
    stream: bool
    include_usage: bool
    note: str


class _Part(Struct):
    type: str
    text: str = ""


class _Message(Struct):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Format(Struct):
    type: str = "text"


class _Body(Struct):
    messages: list[_Message]
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    n: int | None = None
    tools: Any = None
    functions: Any = None
    tool_choice: Any = None
    function_call: Any = None
    response_format: _Format | None = None
    logprobs: bool | None = None
    modalities: list[str] | None = None


def read_request(body: bytes, usual: Sampling) -> ChatRequest:
    """The request in the body; what it leaves out of the sampling is as `usual`. Raises RequestError."""
    wanted = _decoded(body)
    _refuse_what_cannot_be(wanted)
    system, chat = _conversation(wanted.messages)
    if not chat or chat[-1].role is not Role.USER:
        raise RequestError("The last message must be the user's.", "Answers are not gone on with.", param="messages")
    *history, last = chat
    return ChatRequest(
        ClientQuestion(wanted.model or "", last.content, _sampling(wanted, usual), tuple(history), system),
        stream=bool(wanted.stream),
        include_usage=bool(wanted.stream_options and wanted.stream_options.include_usage),
        note=TOOLS_IGNORED if wanted.tools or wanted.functions else "",
    )


def _decoded(body: bytes) -> _Body:
    try:
        return msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        where = re.sub(r"^\.|`$", "", path)
        missing = re.search(r"missing required field `(\w+)`", reason)
        param = where or (missing[1] if missing else None)
        raise RequestError(f"{where}: {reason}." if where else f"{reason}.", param=param) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError("The body is no JSON object.", "Send a chat completions request.") from error


def _refuse_what_cannot_be(wanted: _Body) -> None:
    if wanted.n not in {None, 1}:
        raise RequestError("One answer is given to a question: n is 1.", "Ask again for another.", param="n")
    for name, choice in (("tool_choice", wanted.tool_choice), ("function_call", wanted.function_call)):
        if choice not in (None, "auto", "none"):
            raise RequestError("The arms call no tools.", f"Leave {name} out.", param=name)
    if wanted.response_format and wanted.response_format.type != "text":
        raise RequestError(
            "Only text is answered; no form of it can be promised.", "Leave it out.", param="response_format"
        )
    if wanted.logprobs:
        raise RequestError("The probabilities of tokens are not given out.", "Leave it out.", param="logprobs")
    if set(wanted.modalities or ()) - {"text"}:
        raise RequestError("Only text is answered.", "Leave it out.", param="modalities")


def _sampling(wanted: _Body, usual: Sampling) -> Sampling:
    stop = (wanted.stop,) if isinstance(wanted.stop, str) else tuple(wanted.stop or usual.stop)
    if len(stop) > MOST_STOPS:
        raise RequestError(f"At most {MOST_STOPS} texts may stop an answer.", param="stop")
    given = {
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "seed": wanted.seed,
        "max_tokens": wanted.max_completion_tokens or wanted.max_tokens,
    }
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(usual, stop=tuple(text for text in stop if text), **chosen)


def _conversation(messages: Sequence[_Message]) -> tuple[str | None, list[ChatMessage]]:
    """The system message, and the others by turns: many templates refuse two of one role after each other."""
    system: list[str] = []
    chat: list[ChatMessage] = []
    for number, message in enumerate(messages):
        role, text = _role(message, number), _text(message, number)
        if role is Role.SYSTEM:
            system.append(text)
        elif not text.strip() and role is Role.ASSISTANT:
            continue
        elif chat and chat[-1].role is role:
            chat[-1] = ChatMessage(role, _BETWEEN.join((chat[-1].content, text)))
        else:
            chat.append(ChatMessage(role, text))
    return (_BETWEEN.join(system) if system else None), chat


def _role(message: _Message, number: int) -> Role:
    if message.role not in _ROLES:
        why = "The arms call no tools." if message.role in {"tool", "function"} else "There is no such role."
        raise RequestError(
            f"messages[{number}].role cannot be {message.role[:20]!r}. {why}",
            "Messages are of system, developer, user or assistant.",
            param=f"messages[{number}].role",
        )
    return _ROLES[message.role]


def _text(message: _Message, number: int) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    for part in message.content:
        if part.type != "text":
            raise RequestError(
                f"messages[{number}].content has a part of type {part.type[:20]!r}.",
                "Only text can be read.",
                param=f"messages[{number}].content",
            )
    return "\n".join(part.text for part in message.content)
