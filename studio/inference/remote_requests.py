"""One chat completion asked of a server, streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from studio.domain.generation import Lane
from studio.inference.remote_adapters import RemoteAdapters
from studio.inference.remote_fault import RemoteFault
from studio.inference.remote_http import RemoteHttp
from studio.inference.remote_stream import StreamedAnswer
from studio.inference.remote_survey import Survey, model_names, names_told
from studio.inference.remote_tokens import messages_as_json

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

    async def stream(self, lane: Lane, adapters: RemoteAdapters, answer: StreamedAnswer) -> AsyncGenerator[str]:
        """The text as it comes, gathered in `answer` too. Raises RemoteFault."""
        try:
            async for text in self._stream(self._body(lane, adapters), lane, answer):
                yield text
        except RemoteFault as fault:
            if fault.status not in _REFUSED_FIELDS or not self._takes_all or answer.text:
                raise
            self._takes_all = False
            try:
                async for text in self._stream(self._body(lane, adapters), lane, answer):
                    yield text
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

    async def _stream(self, body: dict[str, Any], lane: Lane, answer: StreamedAnswer) -> AsyncGenerator[str]:
        most = _BYTES_AROUND + _BYTES_A_TOKEN * lane.sampling.max_tokens
        async with self._http.lines(body, most) as lines:
            async for line in lines:
                if text := answer.take(line):
                    yield text
                if answer.is_over:
                    return
            if text := answer.finish():
                yield text

    def _body(self, lane: Lane, adapters: RemoteAdapters) -> dict[str, Any]:
        sampling = lane.sampling
        body: dict[str, Any] = {
            "model": self._survey.model,
            "messages": messages_as_json(lane.messages),
            "stream": True,
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
        }
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if self._takes_all:
            body["stream_options"] = {"include_usage": True}
        if sampling.temperature > 0:
            body["top_p"] = sampling.top_p
            if sampling.seed is not None:
                body["seed"] = sampling.seed
            if self._takes_all:
                body |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
        adapters.attach(lane.adapters, body)
        return body
