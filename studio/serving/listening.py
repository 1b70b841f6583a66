"""The address that is served: taken before anything else is started, refused in a sentence where it cannot be had."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket

from studio.errors import MachineError, UsageError

_BACKLOG = 512
"""Two hundred browsers may come at once."""
_OPEN_FILES = 4096


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on the host's first address, of IPv4 where it has one; port 0 is any that is free.

    Raises UsageError for a host that is none of this machine's, MachineError where the port cannot be had.
    """
    _allow_many_connections()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"'{host}' is no name or address that this machine knows.", "--host 0.0.0.0 is all of its addresses."
        ) from error
    family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise _refused(error, host, port) from error
    listening.setblocking(False)
    return listening


def is_loopback(listening: socket.socket) -> bool:
    """Whether only this machine can reach the socket."""
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def _refused(error: OSError, host: str, port: int) -> UsageError | MachineError:
    match error.errno:
        case errno.EADDRINUSE:
            return MachineError(
                f"Port {port} on {host} is in use.", "Choose another with --port; 0 is any that is free."
            )
        case errno.EACCES | errno.EPERM:
            return MachineError(f"Port {port} needs rights that you do not have.", "Choose one above 1023 with --port.")
        case errno.EADDRNOTAVAIL:
            return UsageError(f"{host} is no address of this machine.", "--host 0.0.0.0 is all of them.")
    return MachineError(f"{host}, port {port}, cannot be listened on ({error.strerror}).")


def _allow_many_connections() -> None:
    """Each browser takes an open file, of which many systems allow 256 or 1024 unless asked."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
