"""HTTP and websockets around one app: its page, its screen, and the keys of whoever presents."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from studio.serving.access import Access, Role
from studio.serving.audience import Audience, Seat
from studio.serving.packets import Drawn, Size, Told
from studio.serving.page import files, page
from studio.small_files import parse_json

MOST_VIEWERS = 1000
PRESENT = "/present"
ENDED = "The presentation has ended."
_HEARTBEAT_S = 20.0
_MOST_FROM_VIEWER = 1024
_MOST_FROM_PRESENTER = 4 * 1024 * 1024  # a paste
_MOST_COLUMNS, _MOST_ROWS = 500, 200
_LEAVE_WITHIN_S = 2.0

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# xterm.js sets the styles of its cells by itself; older Safaris do not count websockets to 'self'.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Keyboard(Protocol):
    """What the presenter's browser does to the app."""

    def type(self, keys: str) -> None: ...

    def resize(self, size: Size) -> None: ...

    def focus(self, *, on: bool) -> None: ...


class Stage:
    """The web application: pages and websockets for one presenter and many viewers."""

    def __init__(self, access: Access, audience: Audience, keyboard: Keyboard, port: int) -> None:
        self._access = access
        self._audience = audience
        self._keyboard = keyboard
        self._port = port
        self._open: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._refuse_strangers(request)
            return await handler(request)

        application = web.Application(middlewares=[guarded])
        application.on_response_prepare.append(self._add_headers)
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._watch),
                web.get(PRESENT, self._page),
                web.get(f"{PRESENT}/ws", self._present),
                web.get("/static/{name}", _static),
            ]
        )
        return application

    async def follow(self, says: Any) -> None:
        """Show what the app draws until it ends."""
        async for word in says:
            if isinstance(word, Drawn):
                self._audience.draw(word)
            else:
                self._told(word)

    async def close(self) -> None:
        """Tell every page that it is over; wait a moment for those that are still being sent to."""
        self._audience.end(ENDED)
        if self._open:
            await asyncio.wait(self._open, timeout=_LEAVE_WITHIN_S)
        for sending in self._open:
            sending.cancel()

    def _told(self, word: Told) -> None:
        if word.kind == "open_url":
            # Only what is a page elsewhere: a script in an address would run in the presenter's page.
            url = str(word.values.get("url", ""))
            if urlsplit(url).scheme in {"http", "https"}:
                self._audience.tell_presenter("open_url", {"url": url, "new_tab": True})

    # Who may --------------------------------------------------------------------------------------------------------

    def _refuse_strangers(self, request: web.Request) -> None:
        host, origin = request.headers.get("Host"), request.headers.get("Origin")
        if refusal := self._access.refusal(host, origin, from_page=request.path.endswith("/ws")):
            raise web.HTTPForbidden(text=f"{refusal}\n")
        if not request.path.startswith("/static/") and not self._access.admits(_role(request), self._token(request)):
            raise web.HTTPForbidden(text="This needs the link that `studio serve-app` has printed.\n")

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        host = request.headers.get("Host", "")
        sockets = f"ws://{host} wss://{host}" if self._access.answers_to(host) else ""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Content-Security-Policy"] = _POLICY.format(sockets=sockets)

    def _cookie(self, role: Role) -> str:
        # Cookies know no ports: two servers on one machine must not take each other's.
        return f"studio-{role}-{self._port}"

    def _token(self, request: web.Request) -> str | None:
        return request.query.get("token") or request.cookies.get(self._cookie(_role(request)))

    async def _page(self, request: web.Request) -> web.Response:
        """The page. A token in its address goes into a cookie at once: what presents is shown to everybody."""
        if token := request.query.get("token"):
            moved = web.HTTPSeeOther(request.path)
            moved.set_cookie(self._cookie(_role(request)), token, httponly=True, samesite="Lax")
            raise moved
        return web.Response(text=page(_role(request)), content_type="text/html")

    # Sockets --------------------------------------------------------------------------------------------------------

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        if self._audience.viewers >= MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_VIEWERS} are watching already.\n")
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_FROM_VIEWER, compress=False)
        await socket.prepare(request)
        seat = self._audience.seat_viewer(socket)
        async with self._sending(socket, seat):
            async for kind, value in _messages(socket):
                self._answer(seat, kind, value)
        return socket

    async def _present(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_FROM_PRESENTER, compress=False)
        await socket.prepare(request)
        seat = self._audience.seat_presenter(socket)
        async with self._sending(socket, seat):
            async for kind, value in _messages(socket):
                if self._audience.presents(seat):
                    self._pass_on(kind, value)
                self._answer(seat, kind, value)
        return socket

    def _answer(self, seat: Seat, kind: str, value: object) -> None:
        if kind == "ping":
            seat.tell("pong", value)
        elif kind == "whole":
            seat.needs_whole = True
            self._audience.want_whole()

    def _pass_on(self, kind: str, value: object) -> None:
        if kind == "stdin" and isinstance(value, str):
            self._keyboard.type(value)
        elif kind == "resize" and (size := _size(value)):
            self._keyboard.resize(size)
        elif kind in {"focus", "blur"}:
            self._keyboard.focus(on=kind == "focus")

    @contextlib.asynccontextmanager
    async def _sending(self, socket: web.WebSocketResponse, seat: Seat) -> Any:
        """Send to the browser beside reading from it; when either ends, so does the other."""

        async def send() -> None:
            await seat.send_all()
            with contextlib.suppress(OSError, RuntimeError):
                await socket.close()

        sending = asyncio.create_task(send())
        self._open.add(sending)
        try:
            yield
        finally:
            self._audience.unseat(seat)
            self._open.discard(sending)
            sending.cancel()


def _role(request: web.Request) -> Role:
    return "presenter" if request.path.startswith(PRESENT) else "viewer"


def _size(value: object) -> Size | None:
    """A size a terminal may have; None where it is none."""
    if not isinstance(value, dict):
        return None
    width, height = value.get("width"), value.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        return None
    return Size(min(width, _MOST_COLUMNS), min(height, _MOST_ROWS))


async def _messages(socket: web.WebSocketResponse) -> Any:
    """The page's messages, `[kind, value]`; whatever else comes is passed over."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            envelope = parse_json(message.data)
        except ValueError:
            continue
        if isinstance(envelope, list) and envelope and isinstance(envelope[0], str):
            yield envelope[0], envelope[1] if len(envelope) > 1 else None


async def _static(request: web.Request) -> web.Response:
    file = files().get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Content-Encoding": "gzip"}
    if request.headers.get("If-None-Match") == file.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.gzipped, content_type=file.type, charset=file.charset, headers=headers)
