"""Pages and sockets of the server, with an app that is only written down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientResponse, ClientWebSocketResponse, CookieJar, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer
from waiting import until

from studio.serving.access import Access
from studio.serving.audience import Audience
from studio.serving.packets import Drawn, Size, Told
from studio.serving.server import ENDED, Stage

SIZE = Size(80, 24)


class WrittenApp:
    """Keeps what is done to the app, and draws what it is given."""

    def __init__(self) -> None:
        self.typed = ""
        self.sizes: list[Size] = []
        self.focused: list[bool] = []
        self.words: asyncio.Queue[Drawn | Told | None] = asyncio.Queue()

    def type(self, keys: str) -> None:
        self.typed += keys

    def resize(self, size: Size) -> None:
        self.sizes.append(size)

    def focus(self, *, on: bool) -> None:
        self.focused.append(on)

    def ask_whole(self) -> None:
        self.words.put_nowait(Drawn(b"WHOLE", SIZE))

    async def says(self) -> AsyncIterator[Drawn | Told]:
        while (word := await self.words.get()) is not None:
            yield word


class Served:
    """A served app and a browser for it."""

    def __init__(self, app: WrittenApp, access: Access, stage: Stage, client: TestClient) -> None:  # type: ignore[type-arg]
        self.app = app
        self.access = access
        self.stage = stage
        self.client = client
        self.own = str(client.make_url("/")).rstrip("/")

    async def get(self, path: str, **headers: str) -> ClientResponse:
        return await self.client.get(path, headers=headers, allow_redirects=False)

    async def socket(self, path: str, *, origin: str | None = "own") -> ClientWebSocketResponse:
        return await self.client.ws_connect(path, origin=self.own if origin == "own" else origin)

    async def present(self) -> ClientWebSocketResponse:
        return await self.socket(f"/present/ws?token={self.access.presenter_token}")


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    clients: list[TestClient] = []  # type: ignore[type-arg]
    following: list[asyncio.Task[None]] = []

    async def start(*, only_loopback: bool = True, names: tuple[str, ...] = ()) -> Served:
        app = WrittenApp()
        access = Access.draw(only_loopback=only_loopback, own_name="laptop", other_names=names)
        stage = Stage(access, Audience(app.ask_whole), app, 8000)
        following.append(asyncio.create_task(stage.follow(app.says())))
        client = TestClient(TestServer(stage.application()), cookie_jar=CookieJar(unsafe=True))
        await client.start_server()
        clients.append(client)
        return Served(app, access, stage, client)

    yield start
    for task in following:
        task.cancel()
    for client in clients:
        await client.close()


async def drawn(socket: ClientWebSocketResponse, until: bytes) -> bytes:
    """What the socket gets, until this came."""
    got = b""
    async with asyncio.timeout(5):
        while until not in got:
            message = await socket.receive()
            assert message.data is not None, f"closed after {got!r}"
            if isinstance(message.data, bytes):
                got += message.data
    return got


async def closed(socket: ClientWebSocketResponse) -> None:
    """Wait until the server closes the socket."""
    async with asyncio.timeout(5):
        while (await socket.receive()).type not in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}:
            pass


async def refused(served: Served, path: str, origin: str | None = "own") -> int:
    with pytest.raises(WSServerHandshakeError) as caught:
        await served.socket(path, origin=origin)
    return caught.value.status


async def test_the_presenter_types_and_viewers_see_it(serve: Serve) -> None:
    served = await serve()
    presenter, viewer = await served.present(), await served.socket("/ws")
    assert await drawn(viewer, b"WHOLE") == b"WHOLE"
    await presenter.send_str("[" * 100_000)
    await presenter.send_json(["stdin", "hello"])
    await presenter.send_json(["resize", {"width": 100, "height": 30}])
    await presenter.send_json(["focus"])
    await drawn(presenter, b"WHOLE")
    served.app.words.put_nowait(Drawn(b"hello"))
    assert b"hello" in await drawn(viewer, b"hello")
    await drawn(presenter, b"hello")
    assert served.app.typed == "hello"
    assert served.app.sizes == [Size(100, 30)]
    assert served.app.focused == [True]


async def test_nothing_a_viewer_sends_reaches_the_app(serve: Serve) -> None:
    served = await serve()
    viewer = await served.socket("/ws")
    for message in (["stdin", "x"], ["resize", {"width": 10, "height": 10}], ["focus"], ["blur"], {"stdin": 1}, [], 7):
        await viewer.send_json(message)
    await viewer.send_str("no JSON")
    await viewer.send_bytes(b"D\0\0\0\1x")
    await viewer.send_json(["ping", 1])
    async with asyncio.timeout(5):
        while (await viewer.receive()).data != '["pong", 1]':
            pass
    assert (served.app.typed, served.app.sizes, served.app.focused) == ("", [], [])


@pytest.mark.parametrize(
    "size", [None, {}, {"width": 0, "height": 5}, {"width": "9", "height": 9}, {"width": True, "height": 9.5}, [1, 2]]
)
async def test_a_size_that_is_none_is_passed_over(serve: Serve, size: object) -> None:
    served = await serve()
    presenter = await served.present()
    await presenter.send_json(["resize", size])
    await presenter.send_json(["stdin", 5])
    await presenter.send_json(["resize", {"width": 10**9, "height": 10**9}])
    await presenter.send_json(["stdin", "."])
    await until(lambda: served.app.typed == ".")
    assert served.app.sizes == [Size(500, 200)]


async def test_the_secret_leaves_the_address_for_a_cookie(serve: Serve) -> None:
    served = await serve()
    assert (await served.get("/present")).status == 403
    moved = await served.get(f"/present?token={served.access.presenter_token}")
    assert (moved.status, moved.headers["Location"]) == (303, "/present")
    assert "HttpOnly" in moved.headers["Set-Cookie"]
    page = await served.get("/present")
    assert page.status == 200
    assert served.access.presenter_token not in await page.text()
    presenter = await served.socket("/present/ws")
    await drawn(presenter, b"WHOLE")


async def test_elsewhere_watching_needs_the_link_too(serve: Serve) -> None:
    served = await serve(only_loopback=False)
    wrong = await served.get("/")
    assert wrong.status == 403
    assert await wrong.text() == "This needs the link that `studio serve-app` has printed.\n"
    for path in ("/?token=wrong", f"/present?token={served.access.viewer_token}", "/present?token=%ff%00"):
        assert (await served.get(path)).status == 403
    assert await refused(served, "/ws") == 403
    assert await refused(served, f"/present/ws?token={served.access.viewer_token}") == 403
    assert (await served.get(f"/?token={served.access.viewer_token}")).status == 303
    await drawn(await served.socket("/ws"), b"WHOLE")


async def test_other_sites_and_other_names_are_refused(serve: Serve) -> None:
    served = await serve()
    token = served.access.presenter_token
    for path in ("/", "/static/stage.js", f"/present?token={token}", "/nothing"):
        assert (await served.get(path, Host="evil.example")).status == 403
        assert (await served.get(path, Origin="http://evil.example")).status == 403
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", None):
        assert await refused(served, "/ws", origin) == 403
        assert await refused(served, f"/present/ws?token={token}", origin) == 403


async def test_a_name_that_was_allowed_is_answered_to_whoever_has_the_link(serve: Serve) -> None:
    served = await serve(names=("talk.example",))
    assert (await served.get("/", Host="talk.example")).status == 403
    assert (await served.get(f"/?token={served.access.viewer_token}", Host="talk.example")).status == 303


async def test_every_answer_keeps_browsers_from_telling_or_keeping_anything(serve: Serve) -> None:
    served = await serve()
    for path in ("/", "/present", "/static/textual.js", "/nothing"):
        headers = (await served.get(path)).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
    assert "evil" not in (await served.get("/", Host="evil.example; x")).headers["Content-Security-Policy"]


async def test_the_page_takes_everything_from_here(serve: Serve) -> None:
    served = await serve()
    page = await (await served.get("/")).text()
    files = re.findall(r'(?:href|src)="(?!data:)([^"]*)"', page)
    assert len(files) == 4
    styles = await (await served.get("/static/stage.css")).text()
    for file in files + re.findall(r"url\(\"([^\"]*)\"\)", styles):
        assert file.startswith("/static/")
        answer = await served.get(file)
        assert answer.status == 200
        assert (await served.get(file, **{"If-None-Match": answer.headers["ETag"]})).status == 304
    for outside in ("/static/../server.py", "/static/%2e%2e/server.py", "/static/"):
        assert (await served.get(outside)).status == 404


async def test_addresses_are_opened_by_the_presenter_alone_and_only_pages(serve: Serve) -> None:
    served = await serve()
    presenter, viewer = await served.present(), await served.socket("/ws")
    await drawn(presenter, b"WHOLE")
    await drawn(viewer, b"WHOLE")
    for url in ("javascript:alert(1)", "file:///etc/passwd", "https://example.org/"):
        served.app.words.put_nowait(Told("open_url", {"url": url, "new_tab": True}))
    async with asyncio.timeout(5):
        opened = await presenter.receive_json()
    assert opened == ["open_url", {"url": "https://example.org/", "new_tab": True}]
    served.app.words.put_nowait(Drawn(b"end"))
    assert (await viewer.receive(timeout=5)).data == b"end"


async def test_a_second_window_takes_the_app_over(serve: Serve) -> None:
    served = await serve()
    first, second = await served.present(), await served.present()
    await drawn(second, b"WHOLE")
    await closed(first)
    await second.send_json(["stdin", "mine"])
    await until(lambda: served.app.typed == "mine")


async def test_a_flood_from_a_viewer_closes_only_its_own_socket(serve: Serve) -> None:
    served = await serve()
    flood, other = await served.socket("/ws"), await served.socket("/ws")
    await flood.send_str('["ping", "' + "x" * 100_000 + '"]')
    await closed(flood)
    await drawn(other, b"WHOLE")


async def test_the_end_is_told_to_every_page(serve: Serve) -> None:
    served = await serve()
    sockets = [await served.present(), await served.socket("/ws")]
    for socket in sockets:
        await drawn(socket, b"WHOLE")
    await served.stage.close()
    for socket in sockets:
        assert await socket.receive_json(timeout=5) == ["ended", ENDED]
        await closed(socket)
