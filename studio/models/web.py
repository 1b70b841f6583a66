"""Fetching from the web under rules: where requests may go, who gets the token, and failures in words.

Only https is fetched (http on this machine alone, where a setting allows it). Redirects are followed here, one by one:
none leads to plain http, and none from a public address to a private one. The token goes to the hub's own address and
nowhere else. Proxies of the environment are used by the HTTP library itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from studio.domain.addresses import is_loopback
from studio.errors import PullError, UsageError

HUB = "https://huggingface.co"
MOST_REDIRECTS = 8
_TRUE = {"1", "on", "yes", "true"}
_LINKED_HASH = re.compile(r'"?([0-9a-f]{64})"?')
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class WebRules:
    """What the environment and the settings say. `loopback_http`: plain http may be fetched from this very machine.

    `stall_s` without a byte counts as an interruption; after `attempts` of them in a row, none of which brought
    anything, a pull gives up. `pause_s` is the first wait between two, doubled each time.
    """

    hub: str = HUB
    token: str = field(default="", repr=False)
    offline: bool = False
    loopback_http: bool = False
    stall_s: float = 30.0
    attempts: int = 6
    pause_s: float = 1.0


def rules_of(variables: Mapping[str, str], *, loopback_http: bool = False) -> WebRules:
    """The rules by HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE."""
    return WebRules(
        hub=(variables.get("HF_ENDPOINT") or HUB).rstrip("/"),
        token=variables.get("HF_TOKEN", "").strip(),
        offline=variables.get("HF_HUB_OFFLINE", "").strip().lower() in _TRUE,
        loopback_http=loopback_http,
    )


class TransientError(Exception):
    """An interruption after which it is worth trying again. `after_s`: so long the server asks to wait."""

    def __init__(self, words: str, after_s: float = 0.0) -> None:
        super().__init__(words)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer whose body has not been read yet. `linked_sha256`: what the hub says the file behind a redirect is."""

    response: httpx2.Response
    linked_sha256: str = ""

    async def body(self) -> AsyncIterator[bytes]:
        """Its body as it arrives. Raises TransientError."""
        try:
            async for data in self.response.aiter_raw():
                yield data
        except httpx2.TransportError as error:
            raise _transient(error, self.response.url.host) from error


class Web:
    """One client for a pull. Use as a context manager."""

    def __init__(self, rules: WebRules) -> None:
        self.rules = rules
        waits = httpx2.Timeout(rules.stall_s, connect=min(15.0, rules.stall_s))
        self._client = httpx2.AsyncClient(
            timeout=waits, follow_redirects=False, headers={"User-Agent": "correction-studio"}
        )

    async def __aenter__(self) -> Web:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def get(self, address: str, **headers: str) -> AsyncGenerator[Opened]:
        """Ask for it and follow where it leads. The body is read by the caller, and need not be.

        Raises TransientError, and PullError or UsageError where it must not or cannot be fetched.
        """
        url, before, linked = _parsed(address), None, ""
        for _ in range(MOST_REDIRECTS + 1):
            await self._allow(url, before)
            response = await self._send(url, {"Accept-Encoding": "identity", **headers})
            try:
                if response.has_redirect_location:
                    named = _LINKED_HASH.fullmatch(response.headers.get("x-linked-etag", ""))
                    linked = named[1] if named and self._is_hub(url) else linked
                    before, url = url, url.join(_parsed(response.headers["location"], relative=True))
                    continue
                _raise_for_status(response, url.host, is_hub=self._is_hub(url))
                yield Opened(response, linked)
                return
            finally:
                await response.aclose()
        raise PullError(f"{_parsed(address).host} leads from one place to the next without end.", "Ask its makers.")

    async def _send(self, url: httpx2.URL, headers: dict[str, str]) -> httpx2.Response:
        if self.rules.token and self._is_hub(url):
            headers["Authorization"] = f"Bearer {self.rules.token}"
        try:
            return await self._client.send(self._client.build_request("GET", url, headers=headers), stream=True)
        except httpx2.TransportError as error:
            raise _transient(error, url.host) from error

    def _is_hub(self, url: httpx2.URL) -> bool:
        return _origin(url) == _origin(httpx2.URL(self.rules.hub))

    async def _allow(self, url: httpx2.URL, before: httpx2.URL | None) -> None:
        """Raises where the rules forbid this address, or the step to it from the one before."""
        if url.userinfo:
            raise UsageError("An address must not hold a name and password.", "Set HF_TOKEN for what is not public.")
        if not url.host:
            raise UsageError(f"'{str(url)[:80]}' names no host.", "Write it as https://host/path/model.gguf.")
        if url.scheme != "https":
            near = is_loopback(url.host) and (before is None or is_loopback(before.host))
            local = self.rules.loopback_http and near
            if url.scheme != "http" or not local:
                led = f" {before.host} leads to it." if before else ""
                raise PullError(f"Only https is fetched, not {url.scheme}://{url.host}.{led}", "Nothing was fetched.")
        if before is None or url.host == before.host:
            return
        if await _is_private(url) and not await _is_private(before):
            raise PullError(
                f"{before.host} leads to {url.host}, an address within this network.",
                "A public server has no business there: nothing was fetched.",
            )


def _transient(error: httpx2.TransportError, host: str) -> TransientError:
    """What broke, in words and without addresses' queries."""
    if isinstance(error, httpx2.TimeoutException):
        return TransientError(f"{host} sent nothing for too long")
    if isinstance(error, httpx2.ConnectError):
        return TransientError(f"{host} cannot be reached")
    return TransientError(f"the connection to {host} broke")


def _raise_for_status(response: httpx2.Response, host: str, *, is_hub: bool) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status in (408, 425, 429) or status >= 500:
        raise TransientError(f"{host} answers {status}", _retry_after(response))
    if status in (401, 403):
        hint = "Check its name; where it is gated or private, agree to its terms on its page and set HF_TOKEN."
        raise PullError(f"{host} does not hand it out ({status}).", hint if is_hub else "Check the address.")
    if status in (404, 410):
        raise PullError(f"{host} has no such file or repository ({status}).", "Check the name.")
    if status == 416:
        raise PullError(f"{host} has fewer bytes than it said, or none (416).", "Try another source.")
    raise PullError(f"{host} answers {status}, which means nothing here.", "Try again later.")


def _retry_after(response: httpx2.Response) -> float:
    text = response.headers.get("retry-after", "").strip()
    return min(float(text), 86_400.0) if text.isascii() and text.isdigit() else 0.0


def _parsed(address: str, *, relative: bool = False) -> httpx2.URL:
    try:
        url = httpx2.URL(address)
    except (httpx2.InvalidURL, ValueError, TypeError) as error:
        raise UsageError(f"'{address[:80]}' is not an address.", "Write it as https://host/path/model.gguf.") from error
    if not relative and not url.is_absolute_url:
        raise UsageError(f"'{address[:80]}' is not a whole address.", "Write it as https://host/path/model.gguf.")
    return url


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)


async def _is_private(url: httpx2.URL) -> bool:
    """Whether the host is, or has among its addresses, one that is not public.

    A name that a proxy will resolve is not resolved here: it may not even be possible.
    """
    host = url.host
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    if urllib.request.getproxies().get(url.scheme) and not urllib.request.proxy_bypass(host):
        return False
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, url.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransientError(f"{host} cannot be reached") from error
    return any(not ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found)
