"""The API over a studio without a model, at an address of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from aiohttp.test_utils import TestServer

from studio.domain.arms import LESSONS
from studio.services.answer_clients import ServedArms
from studio.services.studio import Studio
from studio.serving.access import Reach
from studio.serving.api import Api

TOKEN = "a-secret-of-a-test"


class ServedApi:
    """A served studio, and a client that shows the token."""

    def __init__(self, studio: Studio, base_url: str, client: httpx2.AsyncClient) -> None:
        self.studio = studio
        self.base_url = base_url
        self.client = client

    async def chat(self, *messages: Mapping[str, Any] | str, **fields: Any) -> httpx2.Response:
        """Messages that are only text are in turns the user's and the assistant's."""
        told = [
            {"role": ("user", "assistant")[number % 2], "content": message} if isinstance(message, str) else message
            for number, message in enumerate(messages)
        ]
        return await self.client.post("/v1/chat/completions", json={"messages": told, **fields})

    def logged(self) -> list[tuple[int, str, str, str]]:
        """Of each answer in the log: the conversation, numbered, the question, the arm, the text."""
        _, rows = self.studio.log.query(
            "SELECT dense_rank() OVER (ORDER BY c.created_at, c.id), t.prompt, a.arm, a.text"
            " FROM answer a JOIN turn t ON t.id = a.turn_id JOIN conversation c ON c.id = t.conversation_id"
            " WHERE c.origin = 'api' ORDER BY 1, t.position, a.created_at"
        )
        return rows  # type: ignore[return-value]


@asynccontextmanager
async def served(studio: Studio) -> AsyncIterator[ServedApi]:
    api = Api(ServedArms(studio, LESSONS), Reach.by(only_loopback=True, own_name="laptop"), TOKEN)
    server = TestServer(api.application())
    await server.start_server()
    base_url = str(server.make_url("/")).rstrip("/")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=60) as client:
            yield ServedApi(studio, base_url, client)
    finally:
        await server.close()


def events(body: str) -> list[Any]:
    """What a stream sent; its end as the text it is."""
    sent = [event.removeprefix("data: ") for event in body.split("\n\n") if event]
    return [event if event == "[DONE]" else json.loads(event) for event in sent]
