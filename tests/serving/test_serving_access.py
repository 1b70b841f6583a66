"""Who may present and who may watch."""

from __future__ import annotations

import pytest

from studio.serving.access import Access


def access(*, only_loopback: bool = True, other_names: tuple[str, ...] = ()) -> Access:
    return Access.draw(only_loopback=only_loopback, own_name="Stage-Laptop", other_names=other_names)


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST", "127.0.0.1:8000", "127.0.0.9", "[::1]:8000"])
def test_the_loopback_answers_to_its_own_names(host: str) -> None:
    assert access().answers_to(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example:8000",
        "localhost.evil.example",
        "stage-laptop:8000",
        "192.168.1.20:8000",
        "[2001:db8::1]:8000",
        "127.0.0.1@evil.example",
        "127.0.0.1:8000:9",
        "127.0.0.1, evil.example",
        "localhost\n",
        "a b",
    ],
)
def test_the_loopback_answers_to_nothing_else(host: str | None) -> None:
    assert not access().answers_to(host)


@pytest.mark.parametrize("host", ["192.168.1.20:8000", "[2001:db8::1]", "stage-laptop:8000", "localhost:8000"])
def test_elsewhere_addresses_and_the_machines_name_are_answered(host: str) -> None:
    assert access(only_loopback=False).answers_to(host)


def test_elsewhere_a_foreign_name_is_not_answered_unless_it_was_allowed() -> None:
    assert not access(only_loopback=False).answers_to("talk.example")
    assert access(only_loopback=False, other_names=("Talk.Example",)).answers_to("talk.example:443")


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("https://Talk.example", "talk.example", True),
        ("http://127.0.0.1:3000", "127.0.0.1:8000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("http://evil.example", "127.0.0.1:8000", False),
        ("null", "127.0.0.1:8000", False),
        (None, "127.0.0.1:8000", False),
        ("http://127.0.0.1:8000", None, False),
        ("file://127.0.0.1:8000", "127.0.0.1:8000", False),
    ],
)
def test_only_our_own_page_is_our_own(origin: str | None, host: str | None, own: bool) -> None:
    assert access().is_own_page(origin, host) is own


def test_presenting_always_needs_the_secret() -> None:
    rules = access()
    assert rules.admits("presenter", rules.presenter_token)
    for wrong in (None, "", "ü", rules.presenter_token[:-1], rules.presenter_token + "x"):
        assert not rules.admits("presenter", wrong)


def test_watching_needs_no_secret_on_the_loopback_alone() -> None:
    assert access().admits("viewer", None)
    for rules in (access(only_loopback=False), access(other_names=("talk.example",))):
        assert rules.viewer_token
        assert rules.admits("viewer", rules.viewer_token)
        assert not rules.admits("viewer", None)
        assert not rules.admits("viewer", rules.presenter_token)
        assert not rules.admits("presenter", rules.viewer_token)


def test_secrets_are_drawn_anew_each_time() -> None:
    assert len({access(only_loopback=False).presenter_token for _ in range(5)}) == 5
