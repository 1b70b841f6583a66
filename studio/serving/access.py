"""Who may present and who may watch: names a browser may use for us, origins, and secret links."""

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


@dataclass(frozen=True)
class Access:
    """The rules of one run of the server.

    `viewer_token` is None where whoever reaches us may watch: on this machine's loopback, under no other name.
    `names` are the host names we answer to, besides addresses: of these, only loopback ones where `only_loopback`.
    """

    presenter_token: str
    viewer_token: str | None
    names: frozenset[str]
    only_loopback: bool

    @classmethod
    def draw(cls, *, only_loopback: bool, own_name: str, other_names: Iterable[str] = ()) -> Access:
        """New secrets. Whoever is let in from elsewhere, by address or by another name, needs one to watch, too."""
        others = frozenset(name.lower().rstrip(".") for name in other_names)
        needs_token = not only_loopback or bool(others)
        reached_as = others if only_loopback else others | {own_name.lower()}
        return cls(
            presenter_token=secrets.token_urlsafe(_TOKEN_BYTES),
            viewer_token=secrets.token_urlsafe(_TOKEN_BYTES) if needs_token else None,
            names=reached_as | {"localhost"},
            only_loopback=only_loopback,
        )

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

    def admits(self, role: Role, token: str | None) -> bool:
        """Whether the token opens this role."""
        wanted = self.presenter_token if role == "presenter" else self.viewer_token
        if wanted is None:
            return True
        return token is not None and hmac.compare_digest(token.encode("utf-8", "replace"), wanted.encode())
