"""The API as clients meet it: httpx2 and the official client, against a studio without a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from served_api import TOKEN, ServedApi, events, served
from studio_fakes import FakeEngine, fake_studio, scripted
from waiting import until

from studio.domain.generation import FinishReason, Role
from studio.errors import StorageError
from studio.services.studio import Studio
from studio.serving import api as api_module

ARMS = ["lessons", "frozen", "context", "lora", "lora+lessons"]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(scripted("Forty five days."))


@pytest.fixture
async def api(tmp_path: Path, engine: FakeEngine) -> AsyncIterator[ServedApi]:
    async with served(fake_studio(tmp_path, engine=engine)) as one:
        yield one


def client_of(api: ServedApi, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{api.base_url}/v1", api_key=TOKEN, **options)


async def test_the_official_client_lists_the_arms_and_is_answered_whole_and_streamed(api: ServedApi) -> None:
    client = client_of(api)
    assert [model.id async for model in client.models.list()] == ARMS
    assert (await client.models.retrieve("lora+lessons")).id == "lora+lessons"

    whole = await client.chat.completions.create(model="frozen", messages=[{"role": "user", "content": "How long?"}])
    (choice,) = whole.choices
    assert (whole.model, choice.message.content, choice.finish_reason) == ("frozen", "Forty five days.", "stop")
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (10, 3, 13)

    stream = await client.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": "And how long?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert {(chunk.id, chunk.created, chunk.model) for chunk in chunks} == {
        (chunks[0].id, chunks[0].created, "lessons")
    }
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Forty five days."
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-2:] == [None, "stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])
    await client.close()


async def test_a_stream_ends_with_done_and_tells_no_usage_unasked(api: ServedApi) -> None:
    response = await api.chat("How long?", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, done = events(response.text)
    assert done == "[DONE]"
    assert not any("usage" in chunk for chunk in chunks)
    answer = api.studio.log.answers.get(chunks[-1]["studio"]["answer"])
    assert answer.text == "Forty five days."


async def test_what_a_client_sends_reaches_the_model_and_the_log(api: ServedApi, engine: FakeEngine) -> None:
    response = await api.chat(
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": [{"type": "text", "text": "Where"}, {"type": "text", "text": "is it?"}]},
        {"role": "assistant", "content": "In the hold."},
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": "Which one?"},
        model="frozen",
        temperature=0.5,
        top_p=0.9,
        max_completion_tokens=7,
        max_tokens=9,
        stop="\n",
        seed=3,
        user="somebody",
        frequency_penalty=1,
        of_no_meaning={"x": [1]},
    )
    assert response.status_code == 200
    (lane,) = engine.asked
    assert [(message.role, message.content) for message in lane.messages] == [
        (Role.SYSTEM, "You are a pirate.\n\nBe short."),
        (Role.USER, "Where\nis it?"),
        (Role.ASSISTANT, "In the hold."),
        (Role.USER, "Which one?"),
    ]
    chosen = lane.sampling
    assert (chosen.temperature, chosen.top_p, chosen.max_tokens, chosen.stop, chosen.seed) == (0.5, 0.9, 7, ("\n",), 3)
    answer = api.studio.log.answers.get(response.json()["studio"]["answer"])
    assert (answer.messages, answer.given.sampling, answer.given.model_sha256) == (lane.messages, chosen, "f" * 64)
    assert answer.given.history_messages == 2


async def test_without_a_system_message_or_a_model_the_studios_hold(api: ServedApi, engine: FakeEngine) -> None:
    assert (await api.chat("How long?")).json()["model"] == "lessons"
    assert engine.asked[0].messages[0].content == api.studio.settings.prompt.system
    assert engine.asked[0].sampling == api.studio.sampling


async def test_tools_are_left_out_in_words(api: ServedApi) -> None:
    response = await api.chat("How long?", tools=[{"type": "function", "function": {"name": "f"}}], tool_choice="auto")
    assert response.json()["studio"]["note"] == "The tools were left out: the arms call none."


USER = {"role": "user", "content": "How long?"}


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"messages": []}, "messages", "last message must be the user's"),
        ({"messages": [USER, {"role": "assistant", "content": "It"}]}, "messages", "last message must be the user's"),
        ({"messages": [{"role": "user", "content": "  "}]}, None, "question is empty"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "got `int`"),
        ({"messages": [{"role": "tool", "content": "5"}, USER]}, "messages[0].role", "call no tools"),
        ({"messages": [{"role": "king", "content": "5"}, USER]}, "messages[0].role", "no such role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]},
            "messages[0].content",
            "Only text",
        ),
        ({"messages": [{"role": "user", "content": "long " * 9000}]}, "messages", "tokens"),
        ({"messages": "How long?"}, "messages", "got `str`"),
        ({"n": 2}, "n", "n is 1"),
        ({"temperature": 2.5}, "temperature", "<= 2"),
        ({"temperature": "hot"}, "temperature", "got `str`"),
        ({"top_p": -1}, "top_p", ">= 0"),
        ({"max_tokens": 0}, "max_tokens", ">= 1"),
        ({"seed": 2**70}, "seed", "seed"),
        ({"stop": ["a"] * 17}, "stop", "At most 16"),
        ({"tool_choice": "required"}, "tool_choice", "call no tools"),
        ({"tool_choice": {"type": "function"}}, "tool_choice", "call no tools"),
        ({"response_format": {"type": "json_object"}}, "response_format", "Only text"),
        ({"logprobs": True}, "logprobs", "not given out"),
        ({"modalities": ["text", "audio"]}, "modalities", "Only text"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(
    api: ServedApi, fields: dict[str, Any], param: str | None, words: str
) -> None:
    response = await api.client.post("/v1/chat/completions", json={"messages": [USER], **fields})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert words in error["message"]
    assert api.logged() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff", b"[" * 100_000, b'{"messages": "\\ud800"}'])
async def test_what_is_no_request_is_refused(api: ServedApi, body: bytes) -> None:
    response = await api.client.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


async def test_who_has_no_token_or_another_name_for_us_is_not_let_in(api: ServedApi) -> None:
    for wrong in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer ü"):
        response = await api.client.get("/v1/models", headers={b"Authorization": wrong.encode("latin-1")})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
        assert response.headers["www-authenticate"] == "Bearer"
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        response = await api.client.get("/v1/models", headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")
    with pytest.raises(openai.AuthenticationError):
        await client_of(api).with_options(api_key="wrong").models.list()


async def test_unknown_models_addresses_and_methods_are_told(api: ServedApi) -> None:
    response = await api.chat("How long?", model="gpt-4o")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    assert "lessons, frozen, context, lora, lora+lessons" in response.json()["error"]["message"]
    assert (await api.client.get("/v1/models/gpt-4o")).status_code == 404
    nowhere = await api.client.post("/chat/completions", json={})
    assert (nowhere.status_code, "ends in /v1" in nowhere.json()["error"]["message"]) == (404, True)
    assert (await api.client.delete("/v1/models")).json()["error"]["type"] == "invalid_request_error"


async def test_a_body_that_is_too_large_is_refused(api: ServedApi) -> None:
    response = await api.chat("x" * (api_module.MOST_BYTES + 1))
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


async def test_parallel_questions_are_answered_at_once_and_too_many_are_put_off(
    api: ServedApi, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "MOST_AT_ONCE", 4)
    engine.hold = asyncio.Event()
    asked = [asyncio.create_task(api.chat(f"Question {number}?")) for number in range(4)]
    await until(lambda: len(engine.asked) == 4)
    put_off = await api.chat("One more?")
    assert (put_off.status_code, put_off.json()["error"]["type"]) == (429, "rate_limit_error")
    assert put_off.headers["retry-after"] == "1"
    assert (await api.client.get("/v1/models")).status_code == 200
    engine.hold.set()
    assert [response.status_code for response in await asyncio.gather(*asked)] == [200] * 4
    assert (await api.chat("One more?")).status_code == 200
    assert len(api.logged()) == 5


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_cancels_and_what_had_come_is_kept(
    api: ServedApi, engine: FakeEngine, stream: bool
) -> None:
    engine.hold = asyncio.Event()
    asked = asyncio.create_task(api.chat("How long?", stream=stream))
    await until(lambda: bool(engine.asked))
    asked.cancel()
    await until(lambda: engine.cancelled)
    await until(lambda: bool(api.logged()))
    assert api.logged() == [(1, "How long?", "lessons", "Forty")]
    _, rows = api.studio.log.query("SELECT finish_reason FROM answer")
    assert rows == [(FinishReason.CANCELLED.value,)]


async def test_an_engine_that_dies_is_told_and_another_try_is_no_second_question(tmp_path: Path) -> None:
    engine = FakeEngine(scripted("Forty five days."), die_after=1)
    async with served(fake_studio(tmp_path, engine=engine)) as api:
        whole = await api.chat("How long?")
        assert (whole.status_code, whole.json()["error"]["type"]) == (503, "server_error")
        assert whole.headers["retry-after"] == "1"
        *chunks, last = events((await api.chat("How long?", stream=True)).text)
        assert "stopped unexpectedly" in last["error"]["message"]
        assert chunks[1]["choices"][0]["delta"] == {"content": "Forty"}
        client = client_of(api, max_retries=0)
        with pytest.raises(openai.APIError, match="stopped unexpectedly"):
            async for _ in await client.chat.completions.create(
                model="frozen", messages=[{"role": "user", "content": "How long?"}], stream=True
            ):
                pass
        engine.die_after = None
        assert (await api.chat("How long?")).status_code == 200
        assert [(number, text) for number, _, _, text in api.logged()] == [
            (1, "Forty"),
            (1, "Forty"),
            (1, "Forty"),
            (1, "Forty five days."),
        ]


async def test_what_fails_beside_the_model_is_told_without_a_traceback(
    api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(error: Exception) -> Any:
        def arms(_: Studio) -> None:
            raise error

        return arms

    monkeypatch.setattr(
        "studio.services.answer_clients.answering_arms", fail(StorageError("The log is held.", "Close it."))
    )
    response = await api.client.get("/v1/models")
    assert (response.status_code, response.json()["error"]["message"]) == (503, "The log is held. Close it.")
    monkeypatch.setattr("studio.services.answer_clients.answering_arms", fail(KeyError("a secret")))
    response = await api.client.get("/v1/models")
    assert (response.status_code, "secret" in response.text) == (500, False)
