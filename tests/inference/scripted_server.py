"""A server of the OpenAI kind that does as it is told, one mishap a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

WORDS = ("Forty-five", " days", ".")


def event(text: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}\n\n'
DONE = b"data: [DONE]\n\n"


class ScriptedServer:
    def __init__(self) -> None:
        self.models: list[dict[str, Any]] = [{"id": "tiny"}]
        self.mishaps: list[Any] = []
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.elsewhere = 0
        self.open = self.most_open = 0
        self.gone = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.more: dict[str, Any] = {}
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _models(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Authorization"))
        return web.json_response({"object": "list", "data": self.models})

    async def _other(self, request: web.Request) -> web.Response:
        if request.path not in self.more:
            return web.Response(status=404)
        return web.json_response(self.more[request.path])

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        mishap = self.mishaps.pop(0) if self.mishaps else None
        if isinstance(mishap, web.Response):
            return mishap
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            return await self._stream(request, mishap)
        except (ConnectionResetError, asyncio.CancelledError):
            self.gone.set()
            raise
        finally:
            self.open -= 1

    async def _stream(self, request: web.Request, mishap: Any) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        if isinstance(mishap, bytes):
            await response.write(mishap)
            return response
        await response.write(event(WORDS[0]))
        if mishap == "reset":
            assert request.transport is not None
            await asyncio.sleep(0.05)
            request.transport.abort()
        if mishap == "stall":
            await asyncio.sleep(30)
        while self.hold is not None and not self.hold.is_set():
            await response.write(b": still here\n\n")
            await asyncio.sleep(0.01)
        for word in WORDS[1:]:
            await response.write(event(word))
        await response.write(event(finish="stop") + USAGE + DONE)
        return response


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/v1/models", server._models)
    app.router.add_post("/v1/chat/completions", server._chat)
    app.router.add_route("*", "/{other:.*}", server._other)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
