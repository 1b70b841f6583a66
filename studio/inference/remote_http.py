"""Speaking with one server under rules: no redirects, bounded sizes and silences, failures in words without the key.

Proxies and certificates of the environment (HTTPS_PROXY, SSL_CERT_FILE) count, but for a server on this very machine.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from studio.inference.remote_access import RemoteAccess
from studio.inference.remote_fault import RemoteFault

CONNECT_S = 10.0
MOST_ANSWER_BYTES = 4_000_000
MOST_LINE_BYTES = 1_000_000
_MOST_ERROR_BYTES = 65_536
_MOST_WORDS = 240
_LATER = frozenset({408, 425, 429, 502, 503, 504})
_ASK_ITS_KEEPER = "Ask whoever keeps the server."


class RemoteHttp:
    """One server's client. Making it reads certificates, which takes tenths of a second: not on the event loop."""

    def __init__(self, access: RemoteAccess) -> None:
        self.access = access
        headers = {"User-Agent": "correction-studio", "Accept-Encoding": "identity"}
        if access.key:
            headers["Authorization"] = f"Bearer {access.key}"
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(access.silence_s, connect=min(CONNECT_S, access.silence_s)),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=access.parallel),
            follow_redirects=False,
            trust_env=not access.is_near,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, address: str, body: Any = None) -> Any:
        """The JSON that the server answers. Raises RemoteFault."""
        async with self._opened(method, address, body) as response:
            content = await self._read(response, MOST_ANSWER_BYTES)
        try:
            return orjson.loads(content)
        except ValueError:
            kind = self._kind(response)
            raise RemoteFault(f"{self.access.host} answers with {kind}, which is no JSON.", _CHECK_ADDRESS) from None

    @asynccontextmanager
    async def lines(self, body: Any, most_bytes: int) -> AsyncGenerator[AsyncGenerator[bytes]]:
        """The lines of a streamed chat completion, as they come. Raises RemoteFault, also while they are read."""
        async with self._opened("POST", f"{self.access.api}/chat/completions", body) as response:
            if not self._kind(response).startswith("text/event-stream"):
                await self._refuse_unstreamed(response)
            lines = self._lines(response, most_bytes)
            try:
                yield lines
            finally:
                await lines.aclose()

    @asynccontextmanager
    async def _opened(self, method: str, address: str, body: Any) -> AsyncGenerator[httpx2.Response]:
        content = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = self._client.build_request(method, address, content=content, headers=headers)
        try:
            response = await self._client.send(request, stream=True)
        except httpx2.TransportError as error:
            raise self._broken(error) from error
        try:
            if response.status_code != 200:
                raise await self._refusal(response)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise RemoteFault(f"{self.access.host} packs its answers, though asked not to.", _ASK_ITS_KEEPER)
            yield response
        finally:
            await response.aclose()

    async def _lines(self, response: httpx2.Response, most_bytes: int) -> AsyncGenerator[bytes]:
        held, total = b"", 0
        async for chunk in self._chunks(response):
            total += len(chunk)
            *whole, held = (held + chunk).split(b"\n")
            if total > most_bytes or any(len(line) > MOST_LINE_BYTES for line in (*whole, held)):
                raise RemoteFault(f"{self.access.host} sends more than an answer can be.", _ASK_ITS_KEEPER)
            for line in whole:
                yield line.rstrip(b"\r")
        if held:
            yield held

    async def _chunks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        try:
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx2.TransportError as error:
            raise self._broken(error) from error

    async def _read(self, response: httpx2.Response, most_bytes: int) -> bytes:
        content = b""
        async for chunk in self._chunks(response):
            content += chunk
            if len(content) > most_bytes:
                raise RemoteFault(f"{self.access.host} sends more than an answer can be.", _ASK_ITS_KEEPER)
        return content

    def _kind(self, response: httpx2.Response) -> str:
        kind = response.headers.get("content-type", "").partition(";")[0]
        return self.told(kind).lower() or "something without a type"

    async def _refuse_unstreamed(self, response: httpx2.Response) -> None:
        """Some servers tell of an error in a whole answer with status 200."""
        said = self.told(error_words(await self._read(response, MOST_ANSWER_BYTES)))
        if said:
            raise RemoteFault(f"{self.access.host} refuses: {said}")
        kind = self._kind(response)
        raise RemoteFault(f"{self.access.host} answers with {kind}, which is no streamed answer.", _CHECK_ADDRESS)

    async def _refusal(self, response: httpx2.Response) -> RemoteFault:
        host, status = self.access.host, response.status_code
        if response.has_redirect_location or 300 <= status < 400:
            target = self.told(urlsplit(response.headers.get("location", "")).netloc) or "another address"
            return RemoteFault(
                f"{host} leads on to {target}, where nothing was sent.",
                "Where that is meant, name it as remote.base_url.",
                status=status,
            )
        content = b""
        with suppress(RemoteFault):  # the status says enough
            content = await self._read(response, _MOST_ERROR_BYTES)
        said = self.told(error_words(content))
        said = f": {said}" if said else "."
        if status in (401, 403):
            mend = f"The key is looked for in {self.access.key_from}." if self.access.key_from else ""
            what = "does not accept the key" if self.access.key else "wants a key"
            return RemoteFault(f"{host} {what} ({status}){said}", mend, status=status)
        if status in _LATER:
            why = {429: "has too much to do", 503: "is not ready"}.get(status, "cannot answer now")
            after_s = _retry_after(response.headers.get("retry-after", ""))
            return RemoteFault(
                f"{host} {why} ({status}){said}", "Ask again later.", status=status, passing=True, after_s=after_s
            )
        if status == 404:
            return RemoteFault(f"{host} does not know what it was asked for (404){said}", _CHECK_ADDRESS, status=status)
        return RemoteFault(f"{host} refuses ({status}){said}", _ASK_ITS_KEEPER, status=status)

    def _broken(self, error: httpx2.TransportError) -> RemoteFault:
        host, causes = self.access.host, list(_causes(error))
        if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout):
            return RemoteFault(
                f"{host} said nothing for {self.access.silence_s:g} seconds.",
                "Ask again; where it needs longer, raise remote.silence_s.",
            )
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = self.told(cause.verify_message or "it is not trusted")
                return RemoteFault(
                    f"The certificate of {host} does not hold ({why}).",
                    "Where its authority is your own, name its file in SSL_CERT_FILE.",
                )
            if isinstance(cause, ssl.SSLError):
                return RemoteFault(f"{host} does not speak TLS as https wants.", "Check remote.base_url.")
            if isinstance(cause, socket.gaierror):
                return RemoteFault(f"There is no host {host} to be found.", "Check remote.base_url, and the network.")
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
            why = "Nothing listens at" if refused else "There is no way to"
            return RemoteFault(f"{why} {host}.", "Start the server, or check remote.base_url.", passing=True)
        return RemoteFault(f"The connection to {host} broke.", "Ask again.", passing=True)

    def told(self, text: str) -> str:
        """Words of the server's as one short harmless line, without the key, should it repeat it."""
        if self.access.key:
            text = text.replace(self.access.key, "…")
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return line if len(line) <= _MOST_WORDS else line[: _MOST_WORDS - 1] + "…"


_CHECK_ADDRESS = "Check remote.base_url: it usually ends in /v1."


def error_words(content: bytes) -> str:
    """What a body says went wrong, in the ways servers say it; empty where it says nothing of the kind."""
    try:
        said = orjson.loads(content)
    except ValueError:
        return ""
    for _ in range(2):
        if not isinstance(said, dict):
            break
        said = next((said[name] for name in ("error", "message", "detail") if said.get(name)), "")
    return said if isinstance(said, str) else ""


def _retry_after(text: str) -> float:
    """Seconds, from seconds or a date; 0 where it says neither."""
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
