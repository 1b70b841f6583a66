"""One chat completion asked of a server, streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from studio.domain.generation import Lane
from studio.inference.remote_adapters import RemoteAdapters
from studio.inference.remote_fault import RemoteFault
from studio.inference.remote_http import RemoteHttp
from studio.inference.remote_stream import StreamedAnswer
from studio.inference.remote_survey import Kind, Survey, model_names, names_told
from studio.inference.remote_tokens import messages_as_json
from studio.prompting.thinking import Said

_BYTES_AROUND = 1_000_000
_BYTES_A_TOKEN = 4_000
"""Every token comes in an event of its own, a few hundred bytes long."""
_REFUSED_FIELDS = (400, 422)


class RemoteRequests:
    """A server that refuses what is not OpenAI's (top_k, min_p, the wish for usage) is asked without from then on."""

    def __init__(self, http: RemoteHttp, survey: Survey) -> None:
        self._http = http
        self._survey = survey
        self._takes_all = True

    def new_answer(self) -> StreamedAnswer:
        return StreamedAnswer(self._http.access.host, self._http.told)

    async def stream(self, lane: Lane, adapters: RemoteAdapters, answer: StreamedAnswer) -> AsyncGenerator[Said]:
        """What is said as it comes, gathered in `answer` too. Raises RemoteFault."""
        try:
            async for said in self._stream(self._body(lane, adapters), lane, answer):
                yield said
        except RemoteFault as fault:
            if fault.status not in _REFUSED_FIELDS or not self._takes_all or answer.pieces:
                raise
            self._takes_all = False
            try:
                async for said in self._stream(self._body(lane, adapters), lane, answer):
                    yield said
            except RemoteFault as again:
                self._takes_all = again.status in _REFUSED_FIELDS  # it was not the fields
                raise

    async def hint(self, fault: RemoteFault) -> str:
        """What to do; where the model is gone, which others there are."""
        if fault.status != 404:
            return fault.hint
        try:
            return f"It has: {names_told(self._http, await model_names(self._http))}."
        except RemoteFault:
            return fault.hint

    async def _stream(self, body: dict[str, Any], lane: Lane, answer: StreamedAnswer) -> AsyncGenerator[Said]:
        most = _BYTES_AROUND + _BYTES_A_TOKEN * (lane.sampling.thinking_tokens + lane.sampling.max_tokens)
        async with self._http.lines(body, most) as lines:
            async for line in lines:
                for said in answer.take(line):
                    yield said
                if answer.is_over:
                    break
            else:
                for said in answer.finish():
                    yield said
        for said in answer.end():
            yield said

    def _body(self, lane: Lane, adapters: RemoteAdapters) -> dict[str, Any]:
        sampling = lane.sampling
        body: dict[str, Any] = {
            "model": self._survey.model,
            "messages": messages_as_json(lane.messages),
            "stream": True,
            "temperature": sampling.temperature,
            "max_tokens": sampling.thinking_tokens + sampling.max_tokens,
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if self._takes_all:
            body["stream_options"] = {"include_usage": True}
            if self._survey.kind is not Kind.OTHER:
                body["chat_template_kwargs"] = {"enable_thinking": sampling.thinking_tokens > 0}
            # There is no such penalty here; python -m llama_cpp.server, LM Studio and, from the model's own settings,
            # vLLM have one unless told otherwise, which makes greedy answers others.
            body |= {"repeat_penalty": 1.0, "repetition_penalty": 1.0}
        if sampling.temperature > 0:
            body["top_p"] = sampling.top_p
            if sampling.seed is not None:
                body["seed"] = sampling.seed
            if self._takes_all:
                body |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
        adapters.attach(lane.adapters, body)
        return body
