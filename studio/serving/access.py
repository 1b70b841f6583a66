"""Who may come in: names that may be used for us, origins, and secrets; who may present and who may watch."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["presenter", "viewer"]

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.%]+\]|[^\[\]:@/\s,;]+)(?::\d{1,5})?\Z")
_ORIGIN = re.compile(r"https?://(?P<host>\S+)\Z")
_TOKEN_BYTES = 24


def draw_token() -> str:
    """A new secret."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def is_token(given: str | None, wanted: str) -> bool:
    """Whether the secret is the right one, in a time that does not say how much of it is."""
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


@dataclass(frozen=True)
class Reach:
    """By what a server may be called.

    `names` are the host names we answer to, besides addresses: of these, only loopback ones where `only_loopback`.
    """

    names: frozenset[str]
    only_loopback: bool

    @classmethod
    def by(cls, *, only_loopback: bool, own_name: str, other_names: Iterable[str] = ()) -> Reach:
        """On the loopback alone as localhost; elsewhere by the machine's name too. `other_names` are added."""
        others = frozenset(name.lower().rstrip(".") for name in other_names)
        reached_as = others if only_loopback else others | {own_name.lower()}
        return cls(reached_as | {"localhost"}, only_loopback)

    def refusal(self, host: str | None, origin: str | None, *, from_page: bool = False) -> str:
        """Why a request with these headers may not come in, whatever secret it has; empty where it may.

        `from_page`: only pages send such requests, so that it must come from one of ours.
        """
        if not self.answers_to(host):
            return "This server is not known by that name; `--allow-host NAME` adds one."
        if (from_page or origin is not None) and not self.is_own_page(origin, host):
            return "Requests of other sites' pages are refused."
        return ""

    def answers_to(self, host: str | None) -> bool:
        """Whether the Host header names us.

        A foreign page can give a name of its own our address (DNS rebinding), but then the browser sends that name. An
        address in its place cannot be forged so.
        """
        found = _HOST.match(host.lower()) if host else None
        if found is None:
            return False
        name = found["name"].strip("[]").rstrip(".")
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.only_loopback

    def is_own_page(self, origin: str | None, host: str | None) -> bool:
        """Whether the Origin header says that the request comes from a page of this very server."""
        found = _ORIGIN.match(origin.lower()) if origin else None
        return found is not None and host is not None and found["host"] == host.lower()


@dataclass(frozen=True)
class Access(Reach):
    """The rules of one run of the served app.

    `viewer_token` is None where whoever reaches us may watch: on this machine's loopback, under no other name.
    """

    presenter_token: str
    viewer_token: str | None

    @classmethod
    def draw(cls, *, only_loopback: bool, own_name: str, other_names: Iterable[str] = ()) -> Access:
        """New secrets. Whoever is let in from elsewhere, by address or by another name, needs one to watch, too."""
        others = tuple(other_names)
        reach = Reach.by(only_loopback=only_loopback, own_name=own_name, other_names=others)
        needs_token = not only_loopback or bool(others)
        return cls(reach.names, only_loopback, draw_token(), draw_token() if needs_token else None)

    def admits(self, role: Role, token: str | None) -> bool:
        """Whether the token opens this role."""
        wanted = self.presenter_token if role == "presenter" else self.viewer_token
        return wanted is None or is_token(token, wanted)
