"""A server that answers: what is asked of it, and every way in which it may fail, told in words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from scripted_server import DONE, ScriptedServer, event, scripted_server

from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    EngineOptions,
    FinishReason,
    Lane,
    LaneDelta,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    Priority,
    Role,
    Sampling,
)
from studio.errors import EngineError, MachineError, ModelError
from studio.inference.remote_access import RemoteAccess, read_key
from studio.inference.remote_engine import RemoteEngine

KEY = "sk-very-secret"
LANE = Lane("frozen", (ChatMessage(Role.USER, "What is the refund window?"),))
OPTIONS = EngineOptions(context_tokens=2048)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as one:
        yield one


@asynccontextmanager
async def loaded(server: ScriptedServer, tmp_path: Path, **how: Any) -> AsyncIterator[RemoteEngine]:
    access = RemoteAccess(base_url=server.base_url, **{"silence_s": 5.0, **how})
    engine = RemoteEngine(access, tmp_path / "hashes.json", pauses_s=(0.01, 0.01, 0.01))
    await engine.load(Path(), OPTIONS)
    try:
        yield engine
    finally:
        await engine.close()


async def answered(engine: RemoteEngine, *lanes: Lane, priority: Priority = Priority.INTERACTIVE) -> list[LaneEvent]:
    return [event async for event in engine.generate(lanes or [LANE], priority=priority)]


async def failed(engine: RemoteEngine) -> LaneFailed:
    last = (await answered(engine))[-1]
    assert isinstance(last, LaneFailed)
    return last


async def test_an_answer_streams_and_ends_with_what_the_server_counted(server: ScriptedServer, tmp_path: Path) -> None:
    async with loaded(server, tmp_path) as engine:
        *deltas, last = await answered(engine)
        assert [one.text for one in deltas if isinstance(one, LaneDelta)] == ["Forty-five", " days", "."]
        assert isinstance(last, LaneFinished)
        assert (last.completion.text, last.completion.finish_reason) == ("Forty-five days.", FinishReason.STOP)
        assert (last.completion.prompt_tokens, last.completion.completion_tokens) == (12, 3)
        assert 0 < last.completion.first_token_s <= last.completion.latency_s
        assert engine.facts is not None
        assert engine.facts.path is None
        assert engine.facts.name == "tiny"
    asked = server.asked[0]
    assert (asked["model"], asked["temperature"], asked["stream"]) == ("tiny", 0.0, True)
    assert "top_k" not in asked  # greedy knows none
    assert asked["repeat_penalty"] == asked["repetition_penalty"] == 1.0  # which some servers have unasked


@pytest.mark.parametrize(
    ("mishap", "told"),
    [
        (lambda: web.json_response({"error": {"message": f"bad {KEY}"}}, status=401), "does not accept the key (401)"),
        (lambda: web.json_response({"detail": "gone"}, status=404), "does not know what it was asked for"),
        (lambda: web.json_response({"error": {"message": "too long\x1b[31m"}}, status=413), "refuses (413): too long"),
        (lambda: web.Response(status=307, headers={"Location": "http://evil.example/v1"}), "leads on to evil.example"),
        (lambda: web.Response(text="<html>", content_type="text/html"), "text/html, which is no streamed answer"),
        (lambda: web.json_response({"error": "out of memory"}), "refuses: out of memory"),
        (lambda: web.Response(status=429, headers={"Retry-After": "3600"}), "has too much to do (429)"),
        (lambda: b"data: {nonsense\n\n", "sends what is no part of an answer"),
        (lambda: b'data: {"choices": 3}\n\n', "sends what is no part of an answer"),
        (lambda: b"data: " + b"x" * 1_100_000, "sends more than an answer can be"),
        (lambda: b'data: {"error": {"message": "boom"}}\n\n', "gave up: boom"),
    ],
)
async def test_what_goes_wrong_is_told_in_a_sentence(
    server: ScriptedServer, tmp_path: Path, mishap: Callable[[], Any], told: str
) -> None:
    async with loaded(server, tmp_path, key=KEY, key_from="the variable K") as engine:
        server.mishaps = [mishap()]
        last = await failed(engine)
    assert told in last.message
    assert KEY not in last.message + last.hint
    assert "\x1b" not in last.message
    assert len(server.asked) == 1  # not one of these is tried again
    if told == "does not know what it was asked for":
        assert last.hint == "It has: tiny."


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again(server: ScriptedServer, tmp_path: Path, status: int) -> None:
    async with loaded(server, tmp_path) as engine:
        server.mishaps = [web.Response(status=status, headers={"Retry-After": "0"}) for _ in range(2)]
        assert isinstance((await answered(engine))[-1], LaneFinished)
        assert len(server.asked) == 3
        server.mishaps = [web.Response(status=status) for _ in range(9)]
        assert f"({status})" in (await failed(engine)).message
        assert len(server.asked) == 7


@pytest.mark.parametrize(
    ("mishap", "told"),
    [("reset", "broke"), ("stall", "said nothing for 0.2 seconds"), (event("Forty-five"), "broke off")],
)
async def test_what_had_arrived_is_kept_and_not_asked_for_again(
    server: ScriptedServer, tmp_path: Path, mishap: Any, told: str
) -> None:
    async with loaded(server, tmp_path, silence_s=0.2 if mishap == "stall" else 5.0) as engine:
        server.mishaps = [mishap]
        last = await failed(engine)
    assert told in last.message
    assert last.text == "Forty-five"
    assert len(server.asked) == 1


async def test_an_answer_that_never_ends_is_ended(server: ScriptedServer, tmp_path: Path) -> None:
    server.hold = asyncio.Event()
    async with loaded(server, tmp_path, answer_s=0.2) as engine:
        last = await failed(engine)
    assert "took longer than 0.2 seconds" in last.message
    assert last.text == "Forty-five"


async def test_fields_that_are_refused_are_left_out_from_then_on(server: ScriptedServer, tmp_path: Path) -> None:
    lane = Lane("x", LANE.messages, sampling=Sampling(temperature=0.7, seed=3))
    async with loaded(server, tmp_path) as engine:
        server.mishaps = [web.json_response({"error": {"message": "unknown field min_p"}}, status=400)]
        for _ in range(2):
            assert isinstance((await answered(engine, lane))[-1], LaneFinished)
    assert [("min_p" in asked, asked["seed"]) for asked in server.asked] == [(True, 3), (False, 3), (False, 3)]


async def test_closing_the_iterator_closes_the_stream(server: ScriptedServer, tmp_path: Path) -> None:
    server.hold = asyncio.Event()
    async with loaded(server, tmp_path) as engine:
        async with aclosing(engine.generate([LANE])) as events:
            assert isinstance(await anext(events), LaneDelta)
        await asyncio.wait_for(server.gone.wait(), 5)


async def test_no_more_run_beside_each_other_than_allowed_and_idle_ones_wait(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.hold = asyncio.Event()
    lanes = [Lane(str(number), LANE.messages) for number in range(5)]
    async with loaded(server, tmp_path, parallel=2) as engine:
        asking = asyncio.create_task(answered(engine, *lanes))
        while server.open < 2:  # noqa: ASYNC110 - the server is another's
            await asyncio.sleep(0.01)
        idle = asyncio.create_task(answered(engine, priority=Priority.IDLE))
        await asyncio.sleep(0.05)
        assert len(server.asked) == 2
        server.hold.set()
        await asking
        assert len(server.asked) == 5
        assert isinstance((await idle)[-1], LaneFinished)
    assert server.most_open == 2


async def test_nothing_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = RemoteEngine(RemoteAccess(f"http://127.0.0.1:{port}/v1"), tmp_path / "h.json")
    with pytest.raises(EngineError, match=f"Nothing listens at 127.0.0.1:{port}"):
        await engine.load(Path(), OPTIONS)
    await engine.close()


async def test_a_model_is_named_where_there_are_several(server: ScriptedServer, tmp_path: Path) -> None:
    server.models = [{"id": "a"}, {"id": "b\x1b[0m"}]
    with pytest.raises(ModelError, match=r"several models: a, b \[0m"):
        async with loaded(server, tmp_path):
            pass
    with pytest.raises(ModelError, match="no model 'c'"):
        async with loaded(server, tmp_path, model="c"):
            pass
    async with loaded(server, tmp_path, model="a") as engine:
        assert engine.facts is not None


async def test_adapters_are_asked_for_by_llama_servers_numbers(server: ScriptedServer, tmp_path: Path) -> None:
    server.more = {
        "/props": {"default_generation_settings": {"n_ctx": 1024}},
        "/lora-adapters": [{"id": 0, "path": "other.gguf"}, {"id": 1, "path": "/srv/anna-3.gguf"}],
    }
    use = AdapterUse(tmp_path / "v3" / "adapter.gguf", 0.5)
    async with loaded(server, tmp_path, adapters={"v3": "anna-3"}) as engine:
        assert engine.refusal([use]) == ""
        assert "holds no adapter that is v4" in engine.refusal([AdapterUse(tmp_path / "v4" / "adapter.gguf")])
        await answered(engine, LANE, Lane("lora", LANE.messages, (use,)))
        assert engine.facts is not None
        assert engine.facts.context_tokens == 1024
    loras = sorted([[(one["id"], one["scale"]) for one in asked["lora"]] for asked in server.asked])
    assert loras == [[(0, 0.0), (1, 0.0)], [(0, 0.0), (1, 0.5)]]


async def test_adapters_are_asked_for_by_vllms_names(server: ScriptedServer, tmp_path: Path) -> None:
    server.models = [{"id": "base", "max_model_len": 4096}, {"id": "anna-3", "parent": "base"}]
    use = AdapterUse(tmp_path / "v3" / "adapter.gguf")
    async with loaded(server, tmp_path, adapters={"v3": "anna-3", "reader": "anna-3"}) as engine:
        assert "only as trained" in engine.refusal([AdapterUse(use.path, 0.5)])
        assert "one adapter at a time" in engine.refusal([use, AdapterUse(tmp_path / "adapter.gguf")])
        await answered(engine, Lane("lora", LANE.messages, (use,)))
    assert server.asked[0]["model"] == "anna-3"


async def test_the_key_is_sent_and_never_shown(server: ScriptedServer, tmp_path: Path) -> None:
    async with loaded(server, tmp_path, key=KEY) as engine:
        await answered(engine)
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert KEY not in repr(RemoteAccess(server.base_url, key=KEY))


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o644)
    with pytest.raises(MachineError, match="Others can read the key") as caught:
        read_key("NONE", file, {})
    assert KEY not in str(caught.value)
    file.chmod(0o600)
    assert read_key("NONE", file, {}) == KEY
    assert read_key("MINE", file, {"MINE": "other"}) == "other"


async def test_the_end_without_a_finish_reason_counts_where_it_is_said(server: ScriptedServer, tmp_path: Path) -> None:
    async with loaded(server, tmp_path) as engine:
        server.mishaps = [event("Yes") + DONE]
        last = (await answered(engine))[-1]
    assert isinstance(last, LaneFinished)
    assert last.completion.prompt_tokens > 0  # estimated, for nobody counted
