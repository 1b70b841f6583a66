"""The address that is served, and the sentences where it cannot be had."""

from __future__ import annotations

import errno
import socket

import pytest

from studio.errors import MachineError, UsageError
from studio.serving.listening import is_loopback, listen


def test_any_free_port_of_the_loopback() -> None:
    with listen("127.0.0.1", 0) as one, listen("localhost", 0) as other:
        assert is_loopback(one)
        assert is_loopback(other)
        assert one.getsockname()[1] != other.getsockname()[1]


def test_all_addresses_are_more_than_the_loopback() -> None:
    with listen("0.0.0.0", 0) as listening:
        assert not is_loopback(listening)


def test_a_port_in_use_is_told() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(MachineError, match=r"Port \d+ on 127.0.0.1 is in use"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "1.2.3.4.5", "a" * 300, "\udcff"])
def test_a_host_nobody_knows_is_told(host: str) -> None:
    with pytest.raises(UsageError, match="no name or address that this machine knows"):
        listen(host, 0)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(UsageError, match=r"203.0.113.7 is no address of this machine"):
        listen("203.0.113.7", 0)


def test_a_port_that_needs_rights_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(MachineError, match="Port 80 needs rights that you do not have"):
        listen("127.0.0.1", 80)
