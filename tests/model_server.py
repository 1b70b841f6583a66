"""A web server on this machine that behaves as it is told: ranges, redirects, and everything that goes wrong."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """One path. `mishaps` are done one a request, in order, instead of serving whole: see `_Handler._mishap`."""

    content: bytes = b""
    ranges: bool = True
    etag: str = '"one"'
    redirect: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    mishaps: list[str] = field(default_factory=list)
    status: int = 200


@dataclass
class Asked:
    path: str
    headers: dict[str, str]


class ModelServer:
    def __init__(self) -> None:
        self.served: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        owner = self

        class Handler(_Handler):
            server_side = owner

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def serve(self, path: str, content: bytes = b"", **how: Any) -> str:
        self.served[path] = Served(content, **how)
        return self.address + path

    def serve_repository(self, repository: str, files: dict[str, bytes], **told: Any) -> None:
        """As the hub does: its listing, and each file behind a redirect to another path."""
        import hashlib

        siblings = []
        for name, content in files.items():
            digest = hashlib.sha256(content).hexdigest()
            size = len(content)
            siblings.append(
                {"rfilename": name, "size": size, "lfs": {"sha256": digest, "size": size, "pointerSize": 1}}
            )
            there = self.serve(f"/store/{digest}", content)
            linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(size)}
            for revision in ("main", "c" * 40):
                self.serve(f"/{repository}/resolve/{revision}/{name}", redirect=there, headers=linked)
        listing = {"sha": "c" * 40, "siblings": siblings, "cardData": {"license": "mit"}} | told
        self.serve(f"/api/models/{repository}/revision/main", json.dumps(listing).encode())

    def close(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def model_server() -> Iterator[ModelServer]:
    server = ModelServer()
    try:
        yield server
    finally:
        server.close()


class _Handler(BaseHTTPRequestHandler):
    server_side: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.server_side.lock:
            self.server_side.asked.append(Asked(self.path, {k.lower(): v for k, v in self.headers.items()}))
            one = self.server_side.served.get(path)
            asks_for_first = self.headers.get("Range") == "bytes=0-0"
            mishap = one.mishaps.pop(0) if one and one.mishaps and not asks_for_first else ""
        if one is None:
            self._plain(404)
        elif one.redirect:
            self._plain(302, {"Location": one.redirect, **one.headers})
        elif one.status != 200:
            self._plain(one.status, one.headers)
        elif mishap.startswith("status:"):
            self._plain(int(mishap[7:]), one.headers)
        else:
            self._content(one, mishap)

    def _plain(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _content(self, one: Served, mishap: str) -> None:
        start, end = 0, len(one.content)
        wanted = self.headers.get("Range", "")
        partial = one.ranges and wanted.startswith("bytes=")
        if partial:
            first, _, last = wanted[6:].partition("-")
            start, end = int(first), min(int(last) + 1, end)
            if start >= len(one.content):
                self._plain(416)
                return
        body = one.content[start:end]
        self.send_response(206 if partial else 200)
        self.send_header("ETag", one.etag)
        if partial:
            shift = 1 if mishap == "elsewhere" else 0
            total = len(one.content) + (1 if mishap == "other-total" else 0)
            self.send_header("Content-Range", f"bytes {start + shift}-{end - 1 + shift}/{total}")
        more = b"x" * 5000 if mishap == "more" else b""
        self.send_header("Content-Length", str(len(body) + len(more)))
        for name, value in one.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body + more, mishap)

    def _send(self, body: bytes, mishap: str) -> None:
        what, _, count = mishap.partition(":")
        if what in ("reset", "stall", "short"):
            self.wfile.write(body[: int(count)])
            self.wfile.flush()
            if what == "stall":
                self.server_side.over.wait(20)
            if what == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(body)
