"""How many tokens a chat takes: asked of servers that can tell, else estimated so that it is hardly ever too few."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from typing import Any

from studio.domain.generation import ChatMessage
from studio.inference.remote_fault import RemoteFault
from studio.inference.remote_http import RemoteHttp
from studio.inference.remote_survey import Kind, Survey

_BESIDE_EACH_OTHER = 8
_AROUND_A_MESSAGE = 8
_AROUND_A_CHAT = 40
"""Headers of the template, and the system message that some put in unasked."""
_PARTS = re.compile(r"[a-z]+|[A-Za-z]+|\s+|[^\x00-\x7f]+|.", re.DOTALL)
_LETTERS_A_TOKEN = 3


def messages_as_json(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    return [{"role": message.role.value, "content": message.content} for message in messages]


class RemoteTokens:
    """Counts chats by the server's own template and vocabulary where it is llama-server or vLLM."""

    def __init__(self, http: RemoteHttp, survey: Survey) -> None:
        self._http = http
        self._survey = survey
        self._places = asyncio.Semaphore(_BESIDE_EACH_OTHER)
        self._can_ask = survey.kind is not Kind.OTHER

    async def count(self, prompts: Sequence[Sequence[ChatMessage]]) -> list[int]:
        return list(await asyncio.gather(*(self._count(prompt) for prompt in prompts)))

    async def _count(self, prompt: Sequence[ChatMessage]) -> int:
        async with self._places:
            if self._can_ask:
                try:
                    return await self._asked(messages_as_json(prompt))
                except RemoteFault as fault:
                    # A server too old for it is not asked again; a template that refuses one chat may take the next.
                    self._can_ask = fault.status not in (404, 405, 501)
            return estimated_tokens(prompt)

    async def _asked(self, messages: list[dict[str, str]]) -> int:
        root, ask = self._http.access.root, self._http.ask
        if self._survey.kind is Kind.VLLM:
            body = {"model": self._survey.model, "messages": messages, "add_generation_prompt": True}
            return _number(await ask("POST", f"{root}/tokenize", body), "count")
        rendered = await ask("POST", f"{root}/apply-template", {"messages": messages})
        text = rendered.get("prompt") if isinstance(rendered, dict) else None
        if not isinstance(text, str):
            raise RemoteFault("The template's text is missing.", status=501)
        body = {"content": text, "add_special": True, "parse_special": True}
        found = await ask("POST", f"{root}/tokenize", body)
        tokens = found.get("tokens") if isinstance(found, dict) else None
        if not isinstance(tokens, list):
            raise RemoteFault("The tokens are missing.", status=501)
        return len(tokens)


def estimated_tokens(messages: Sequence[ChatMessage]) -> int:
    """Rather too many: a budget that is kept by this is kept by the model's own count too."""
    return _AROUND_A_CHAT + sum(_AROUND_A_MESSAGE + _of_text(message.content) for message in messages)


def _of_text(text: str) -> int:
    return sum(_of_part(part) for part in _PARTS.findall(text))


def _of_part(part: str) -> int:
    """Lower-case words by threes, other words by twos, white space by lines, other signs each, non-ASCII by bytes."""
    if part.isascii() and part.isalpha():
        return math.ceil(len(part) / (_LETTERS_A_TOKEN if part.islower() else _LETTERS_A_TOKEN - 1))
    if part.isascii() and part.isspace():
        return 0 if part == " " else len(part)
    return len(part.encode("utf-8", "replace"))


def _number(said: Any, name: str) -> int:
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, int) or value < 0:
        raise RemoteFault("The count is missing.", status=501)
    return value
