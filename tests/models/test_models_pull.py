"""Pulling over real connections to a server on this machine: ranges, interruptions, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_gguf import made_gguf
from model_server import ModelServer, model_server

from studio.errors import MachineError, ModelError, PullError, StudioError, UsageError
from studio.inference.model_header import checked_header
from studio.models import part_file
from studio.models.part_file import PartFile, read_notes
from studio.models.pull import Order, pull
from studio.models.pull_progress import Phase, PullProgress
from studio.models.web import Web, WebRules, rules_of

CONTENT = made_gguf()
DIGEST = hashlib.sha256(CONTENT).hexdigest()
RULES = WebRules(loopback_http=True, stall_s=0.4, attempts=3, pause_s=0.01)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as one:
        yield one


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_file, "SEGMENT", 32_768)


async def fetch(
    address: str, target: Path, *, rules: WebRules = RULES, seen: list[PullProgress] | None = None, **order: Any
) -> str:
    watched = seen if seen is not None else []
    async with Web(rules) as web:
        wanted = Order(address, "test", **order)
        return await pull(web, wanted, target, accept=checked_header, connections=3, watch=watched.append)


def litter(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_ranges_beside_each_other_make_the_file(server: ModelServer, tmp_path: Path) -> None:
    seen: list[PullProgress] = []
    digest = await fetch(server.serve("/m.gguf", CONTENT), tmp_path / "m.gguf", seen=seen, sha256=DIGEST)
    assert digest == DIGEST
    assert (tmp_path / "m.gguf").read_bytes() == CONTENT
    assert litter(tmp_path) == ["m.gguf"]
    assert (tmp_path / "m.gguf").stat().st_mode & 0o777 == 0o600
    assert len(server.asked) == 1 + -(-len(CONTENT) // 32_768)
    assert seen[0].phase is Phase.ASKING
    assert seen[-1] == PullProgress(Phase.DONE, len(CONTENT), len(CONTENT))


async def test_a_server_without_ranges_gives_it_whole(server: ModelServer, tmp_path: Path) -> None:
    address = server.serve("/m.gguf", CONTENT, ranges=False, mishaps=["", "reset:50000"])
    seen: list[PullProgress] = []
    await fetch(address, tmp_path / "m.gguf", seen=seen)
    assert (tmp_path / "m.gguf").read_bytes() == CONTENT
    assert any("cannot resume" in progress.note or progress.phase is Phase.WAITING for progress in seen)


@pytest.mark.parametrize("mishap", ["reset:9000", "stall:9000", "short:9000", "status:503", "status:429", "status:408"])
async def test_what_is_interrupted_goes_on(server: ModelServer, tmp_path: Path, mishap: str) -> None:
    seen: list[PullProgress] = []
    address = server.serve("/m.gguf", CONTENT, mishaps=[mishap, mishap], headers={"Retry-After": "0"})
    await fetch(address, tmp_path / "m.gguf", seen=seen, sha256=DIGEST)
    assert (tmp_path / "m.gguf").read_bytes() == CONTENT
    assert any(progress.phase is Phase.WAITING and progress.note for progress in seen)


async def test_a_pull_that_gave_up_or_was_stopped_is_gone_on_with(server: ModelServer, tmp_path: Path) -> None:
    target = tmp_path / "m.gguf"
    address = server.serve("/m.gguf", CONTENT, mishaps=["", "", "", *["status:500"] * 30])
    with pytest.raises(PullError, match="answers 500") as raised:
        await fetch(address, target)
    assert "pull again to go on" in raised.value.hint
    notes = read_notes(tmp_path / "m.gguf.part")
    assert notes is not None
    assert 0 < notes.done < len(CONTENT)
    assert not target.exists()
    server.served["/m.gguf"].mishaps = ["stall:3000"] * 9
    stopped = asyncio.create_task(fetch(address, target, rules=WebRules(loopback_http=True)))
    await asyncio.sleep(0.3)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    server.served["/m.gguf"].mishaps = []
    server.asked.clear()
    seen: list[PullProgress] = []
    await fetch(address, target, seen=seen)
    assert target.read_bytes() == CONTENT
    assert any("Went on after" in progress.note for progress in seen)
    wanted = sum(_length(asked.headers.get("range", "")) for asked in server.asked)
    assert wanted <= len(CONTENT) - notes.done + 1


def _length(wanted: str) -> int:
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    return int(last) - int(first) + 1


async def test_what_was_changed_since_starts_anew(server: ModelServer, tmp_path: Path) -> None:
    address = server.serve("/m.gguf", CONTENT, mishaps=["", "", *["status:500"] * 30])
    with pytest.raises(PullError):
        await fetch(address, tmp_path / "m.gguf")
    other = made_gguf(seed=1)
    server.serve("/m.gguf", other, etag='"two"')
    await fetch(address, tmp_path / "m.gguf")
    assert (tmp_path / "m.gguf").read_bytes() == other


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
async def test_without_a_sure_sign_of_the_same_file_it_starts_anew(
    server: ModelServer, tmp_path: Path, etag: str
) -> None:
    address = server.serve("/m.gguf", CONTENT, etag=etag, mishaps=["", "", *["status:500"] * 30])
    with pytest.raises(PullError):
        await fetch(address, tmp_path / "m.gguf")
    other = made_gguf(seed=1)
    server.serve("/m.gguf", other, etag=etag)
    await fetch(address, tmp_path / "m.gguf")
    assert (tmp_path / "m.gguf").read_bytes() == other


@pytest.mark.parametrize(
    ("mishap", "told"),
    [
        ("more", "more than it announced"),
        ("elsewhere", "other bytes than it was asked for"),
        ("other-total", "was changed while"),
        ("status:404", "no such file"),
        ("status:416", "fewer bytes than it said"),
    ],
)
async def test_a_server_that_does_not_keep_its_word_is_refused(
    server: ModelServer, tmp_path: Path, mishap: str, told: str
) -> None:
    with pytest.raises(PullError, match=told):
        await fetch(server.serve("/m.gguf", CONTENT, mishaps=[mishap] * 9), tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "does not hand it out"),
        (403, "does not hand it out"),
        (404, "no such file"),
        (410, "no such file"),
        (418, "418"),
    ],
)
async def test_refusals_are_told_in_words(server: ModelServer, tmp_path: Path, status: int, told: str) -> None:
    with pytest.raises(PullError, match=told):
        await fetch(server.serve("/m.gguf", status=status), tmp_path / "m.gguf")
    assert litter(tmp_path) == []


async def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(server: ModelServer, tmp_path: Path) -> None:
    address = server.serve("/m.gguf", status=429, headers={"Retry-After": "1800"})
    with pytest.raises(PullError, match="wait for 30 minutes"):
        await fetch(address, tmp_path / "m.gguf")


@pytest.mark.parametrize(
    ("content", "order", "told"),
    [
        (b"<html>Please log in</html>" * 999, {}, "no GGUF"),
        (CONTENT, {"sha256": "0" * 64}, "SHA-256 is another"),
        (CONTENT, {"bytes": 7}, "7 were announced"),
        (CONTENT[:-900], {}, "cut short"),
        (b"GGUF" + b"\xff" * 90_000, {}, "version"),
        (made_gguf(general__type="adapter"), {}, "adapter, not a model"),
        (made_gguf(general__architecture="bert"), {}, "embedding model"),
        (b"", {}, "or none"),
    ],
)
async def test_what_is_not_the_announced_model_is_not_kept(
    server: ModelServer, tmp_path: Path, content: bytes, order: dict[str, Any], told: str
) -> None:
    with pytest.raises((PullError, ModelError), match=told):
        await fetch(server.serve("/m.gguf", content), tmp_path / "m.gguf", **order)
    assert litter(tmp_path) == []


async def test_packed_content_is_refused(server: ModelServer, tmp_path: Path) -> None:
    address = server.serve("/m.gguf", CONTENT, headers={"Content-Encoding": "gzip"})
    with pytest.raises(PullError, match="packed"):
        await fetch(address, tmp_path / "m.gguf")


async def test_two_pulls_of_one_file_do_not_meet(server: ModelServer, tmp_path: Path) -> None:
    held = PartFile(tmp_path / "m.gguf")
    try:
        with pytest.raises(PullError, match="being pulled already"):
            await fetch(server.serve("/m.gguf", CONTENT), tmp_path / "m.gguf")
    finally:
        held.close(keep=False)


async def test_a_link_in_the_parts_place_is_not_written_through(server: ModelServer, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (tmp_path / "m.gguf.part").symlink_to(elsewhere)
    with pytest.raises(MachineError, match="cannot be written"):
        await fetch(server.serve("/m.gguf", CONTENT), tmp_path / "m.gguf")
    assert elsewhere.read_bytes() == b"mine"


async def test_a_disk_without_room_is_told_before_anything_is_fetched(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_file, "_RESERVE", 10**18)
    with pytest.raises(MachineError, match="disk has"):
        await fetch(server.serve("/m.gguf", CONTENT), tmp_path / "m.gguf")
    assert len(server.asked) == 1
    assert litter(tmp_path) == []


# Where requests may go --------------------------------------------------------------------------------------------


async def test_notes_that_cannot_be_written_on_the_way_are_told(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.models.pull._SAVE_S", 0.0)
    in_the_way = tmp_path / "m.gguf.part.draft"

    def watch(progress: PullProgress) -> None:
        if progress.phase is Phase.PULLING:
            in_the_way.mkdir(exist_ok=True)

    async with Web(RULES) as web:
        order = Order(server.serve("/m.gguf", CONTENT), "test")
        with pytest.raises(MachineError, match="cannot be written"):
            await pull(web, order, tmp_path / "m.gguf", accept=checked_header, connections=1, watch=watch)
    assert (tmp_path / "m.gguf.part").exists()


async def test_redirects_are_followed_and_the_token_stays_with_the_hub(server: ModelServer, tmp_path: Path) -> None:
    with model_server() as other:
        there = other.serve("/store", CONTENT)
        address = server.serve("/m.gguf", redirect=there, headers={"X-Linked-Etag": f'"{DIGEST}"'})
        rules = WebRules(hub=server.address, token="hf_secret", loopback_http=True)
        assert "hf_secret" not in repr(rules)
        assert await fetch(address, tmp_path / "m.gguf", rules=rules) == DIGEST
        assert all(asked.headers["authorization"] == "Bearer hf_secret" for asked in server.asked)
        assert not any("authorization" in asked.headers for asked in other.asked)
        other.served["/store"].content = made_gguf(seed=2)
        with pytest.raises(PullError, match="SHA-256 is another"):  # of what the hub said it links to
            await fetch(address, tmp_path / "n.gguf", rules=rules)


@pytest.mark.parametrize(
    ("leads_to", "told"),
    [
        ("http://192.0.2.1/m.gguf", "Only https"),
        ("ftp://127.0.0.1/m.gguf", "Only https"),
        ("file:///etc/passwd", "names no host"),
        ("https://u:p@127.0.0.1/m.gguf", "name and password"),
        ("/round", "without end"),
    ],
)
async def test_redirects_that_lead_astray_are_not_followed(
    server: ModelServer, tmp_path: Path, leads_to: str, told: str
) -> None:
    server.serve("/round", redirect="/round")
    with pytest.raises(StudioError, match=told):
        await fetch(server.serve("/m.gguf", redirect=leads_to), tmp_path / "m.gguf")
    assert litter(tmp_path) == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "localhost", "[fd00::1]", "printer.local"]
)
async def test_no_public_server_leads_into_this_network(host: str) -> None:
    async with Web(RULES) as web:
        from studio.models.web import _parsed

        await web._allow(_parsed(f"https://{host}/m.gguf"), None)  # whoever types it means it
        with pytest.raises(PullError, match="within this network"):
            await web._allow(_parsed(f"https://{host}/m.gguf"), _parsed("https://1.1.1.1/"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/m.gguf", "http://example.org/m.gguf", "nonsense", "https://"])
async def test_plain_http_and_nonsense_are_refused_unless_allowed(tmp_path: Path, address: str) -> None:
    with pytest.raises(StudioError):
        await fetch(address, tmp_path / "m.gguf", rules=WebRules())


async def test_a_proxy_of_the_environment_is_used(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.address)
    server.serve("http://localhost:9/m.gguf", CONTENT)  # as a proxy is asked for it
    await fetch("http://localhost:9/m.gguf", tmp_path / "m.gguf")
    assert (tmp_path / "m.gguf").read_bytes() == CONTENT


def test_the_environment_is_heard() -> None:
    rules = rules_of({"HF_ENDPOINT": "https://mirror.test/", "HF_TOKEN": " t ", "HF_HUB_OFFLINE": "1"})
    assert (rules.hub, rules.token, rules.offline) == ("https://mirror.test", "t", True)
    assert rules_of({}) == WebRules()


async def test_what_cannot_be_reached_is_told_without_its_query(tmp_path: Path) -> None:
    with pytest.raises((PullError, UsageError)) as raised:
        await fetch("http://127.0.0.1:1/m.gguf?key=secret", tmp_path / "m.gguf")
    assert "cannot be reached" in str(raised.value)
    assert "secret" not in str(raised.value)
