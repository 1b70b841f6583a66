"""The arms as an OpenAI-compatible API: `GET /v1/models`, `POST /v1/chat/completions`, whole or streamed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from studio.domain.clients import ClientQuestion
from studio.domain.log import Answer
from studio.domain.ports import Assistant
from studio.errors import NotFoundError, StudioError
from studio.serving.access import Reach, is_token
from studio.serving.chat_reply import Refusal, Reply, model_entry, model_list
from studio.serving.chat_request import read_request

MODELS = "/v1/models"
CHAT = "/v1/chat/completions"
DEFAULT = "default"
"""As a model's name it asks for the default arm, as naming none does, unless an arm has this name."""

MOST_BYTES = 4 * 1024 * 1024
"""Of a request's body: far more than fits any small model's context."""
MOST_AT_ONCE = 32
"""Questions being answered or waiting for the engine, which decodes eight of an arm together."""
_BODY_WITHIN_S = 30.0
_TAKEN_WITHIN_S = 60.0
_RETRY_AFTER_S = "1"

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STREAMED = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
_DONE = b"data: [DONE]\n\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The web application. `reach` says by what it may be called, `token` who may."""

    def __init__(self, assistant: Assistant, reach: Reach, token: str) -> None:
        self._assistant = assistant
        self._reach = reach
        self._token = token
        self._created = int(time.time())
        self._open = 0

    def application(self) -> web.Application:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (refusal := self._stranger(request)) is not None:
                return _refused(refusal)
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001 - the last resort: told as JSON, with what went wrong in the log
                return _refused(_told(error))

        application = web.Application(middlewares=[guarded], client_max_size=MOST_BYTES)
        application.add_routes(
            [
                web.get(MODELS, self._models),
                web.get(f"{MODELS}/{{arm:.+}}", self._model),
                web.post(CHAT, self._chat),
            ]
        )
        return application

    def _stranger(self, request: web.Request) -> Refusal | None:
        """Why whoever sent this is not let in."""
        if reason := self._reach.refusal(request.headers.get("Host"), request.headers.get("Origin")):
            return Refusal(HTTPStatus.FORBIDDEN, reason, "forbidden")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not is_token(token.strip(), self._token):
            return Refusal(
                HTTPStatus.UNAUTHORIZED,
                "The API key is missing or wrong. It is the token that `studio serve` has told of.",
                "invalid_api_key",
            )
        return None

    # Models ---------------------------------------------------------------------------------------------------------

    async def _models(self, _: web.Request) -> web.Response:
        return _json(model_list(await self._assistant.arms(), self._created))

    async def _model(self, request: web.Request) -> web.Response:
        return _json(model_entry(await self._arm(request.match_info["arm"]), self._created))

    async def _arm(self, name: str) -> str:
        """The arm a client means. Raises NotFoundError naming those there are."""
        arms = await self._assistant.arms()
        if name in arms:
            return name
        if name in {"", DEFAULT}:
            return arms[0]
        raise NotFoundError(f"There is no model {name[:60]!r}.", f"The models are the arms: {', '.join(arms)}.")

    # Chat -----------------------------------------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        with self._counted():
            try:
                async with asyncio.timeout(_BODY_WITHIN_S):
                    body = await request.read()
            except TimeoutError:
                return _refused(Refusal(HTTPStatus.REQUEST_TIMEOUT, "The body did not come.", "timeout"))
            wanted = read_request(body, self._assistant.sampling)
            question = replace(wanted.question, arm=await self._arm(wanted.question.arm))
            reply = Reply(wanted.note, wanted.include_usage)
            if wanted.stream:
                return await self._streamed(request, question, reply)
            return await self._whole(question, reply)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._open >= MOST_AT_ONCE:
            raise web.HTTPTooManyRequests(text=f"{MOST_AT_ONCE} questions are being answered already. Ask again soon.")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _whole(self, question: ClientQuestion, reply: Reply) -> web.Response:
        async with aclosing(self._assistant.answer(question)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answer):
                    return _json(reply.whole(piece))
        raise AssertionError("a question was left without an answer")

    async def _streamed(self, request: web.Request, question: ClientQuestion, reply: Reply) -> web.StreamResponse:
        async with aclosing(self._assistant.answer(question)) as pieces:
            # What cannot be answered at all is refused before the stream, with a status of its own.
            await anext(pieces)
            response = web.StreamResponse(headers=_HEADERS | _STREAMED)
            try:
                await response.prepare(request)
                await _send(response, reply.piece(question.arm, {"role": "assistant", "content": ""}))
                await _send_rest(response, pieces, question.arm, reply)
                await response.write_eof()
            except (ConnectionError, TimeoutError):
                # The client left, or takes in nothing any more.
                response.force_close()
        return response


async def _send_rest(
    response: web.StreamResponse, pieces: AsyncGenerator[str | Answer], arm: str, reply: Reply
) -> None:
    try:
        async for piece in pieces:
            if isinstance(piece, Answer):
                for chunk in reply.end(piece):
                    await _send(response, chunk)
                await _write(response, _DONE)
            elif piece:
                await _send(response, reply.piece(arm, {"content": piece}))
    except (ConnectionError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - the status is sent already: it is told within the stream
        await _send(response, _told(error).body)


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await _write(response, b"data: " + orjson.dumps(chunk) + b"\n\n")


async def _write(response: web.StreamResponse, event: bytes) -> None:
    async with asyncio.timeout(_TAKEN_WITHIN_S):
        await response.write(event)


def _told(error: Exception) -> Refusal:
    match error:
        case StudioError():
            return Refusal.of(error)
        case web.HTTPNotFound():
            hint = f"There are GET {MODELS} and POST {CHAT}; the base URL of clients ends in /v1."
            return Refusal(HTTPStatus.NOT_FOUND, f"There is nothing at this address. {hint}", "not_found")
        case web.HTTPRequestEntityTooLarge():
            what = f"The request has more than {MOST_BYTES // 1024**2} MB."
            return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{what} Shorten the conversation.", "too_large")
        case web.HTTPTooManyRequests():
            return Refusal(HTTPStatus.TOO_MANY_REQUESTS, error.text or error.reason, "overloaded")
        case web.HTTPException():
            return Refusal(HTTPStatus(error.status), f"{error.reason}.", None)
    # With the logger of aiohttp, whose words go to the diagnostics.
    logging.getLogger("aiohttp.server").error("unexpected failure", exc_info=error)
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong that should not have.", "internal")


def _refused(refusal: Refusal) -> web.Response:
    response = _json(refusal.body, refusal.status)
    if refusal.status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refusal.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response.headers["Retry-After"] = _RETRY_AFTER_S
    if refusal.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        response.force_close()
    return response


def _json(value: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", headers=_HEADERS)
