"""The Engine port over an OpenAI-compatible server: streams its answers, tries again before the first word, cancels.

A lane is one request; so many run beside each other as `RemoteAccess.parallel` says. Idle lanes are not begun while an
interactive one is under way; one that has begun is let finish. Closing the iterator closes the lanes' connections,
upon which servers stop decoding.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    Completion,
    EngineOptions,
    FinishReason,
    Lane,
    LaneDelta,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    ModelFacts,
    Priority,
)
from studio.errors import EngineError, ModelError
from studio.inference.file_identity import file_sha256
from studio.inference.model_header import checked_header
from studio.inference.remote_access import RemoteAccess
from studio.inference.remote_fault import RemoteFault

if TYPE_CHECKING:
    from studio.inference.remote_adapters import RemoteAdapters
    from studio.inference.remote_http import RemoteHttp
    from studio.inference.remote_requests import RemoteRequests
    from studio.inference.remote_survey import Survey
    from studio.inference.remote_tokens import RemoteTokens

PAUSES_S = (0.5, 1.0, 2.0)
"""Before the second, third and fourth try; a server that asks for more gets it, up to LONGEST_PAUSE_S."""
LONGEST_PAUSE_S = 30.0


class RemoteEngine:
    """`hashes` remembers the hash of the file that the server runs, where one is named."""

    process_id: int | None = None

    def __init__(self, access: RemoteAccess, hashes: Path, *, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._access = access
        self._hashes = hashes
        self._pauses_s = tuple(pauses_s)
        self._facts: ModelFacts | None = None
        self._http: RemoteHttp | None = None
        self._requests: RemoteRequests | None = None
        self._tokens: RemoteTokens | None = None
        self._adapters: RemoteAdapters | None = None
        self._places = asyncio.Semaphore(access.parallel)
        self._interactive = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def facts(self) -> ModelFacts | None:
        return self._facts

    async def load(self, model: Path, options: EngineOptions) -> ModelFacts:  # noqa: ARG002 - the server has its own
        """Ask the server what it is. Raises ModelError where the model is not there, EngineError where it is not."""
        await self.close()
        # The HTTP library, and the certificates it reads: beside the loop.
        remote = await asyncio.to_thread(_modules)
        self._http = http = await asyncio.to_thread(remote["http"].RemoteHttp, self._access)
        try:
            async with asyncio.timeout(self._access.silence_s):
                survey: Survey = await remote["survey"].survey(http)
        except (RemoteFault, TimeoutError) as fault:
            message = getattr(fault, "message", f"{self._access.host} does not say what it is.")
            raise EngineError(message, getattr(fault, "hint", "Check remote.base_url.")) from fault
        self._requests = remote["requests"].RemoteRequests(http, survey)
        self._tokens = remote["tokens"].RemoteTokens(http, survey)
        self._adapters = remote["adapters"].RemoteAdapters(self._access, survey)
        same_as = self._access.same_as
        if same_as is None:
            sha256 = remote["survey"].identity_of(self._access, survey.model)
        else:
            sha256 = await asyncio.to_thread(_hash, same_as, self._hashes)
        told = survey.context_tokens or options.context_tokens
        self._facts = ModelFacts(
            path=same_as,
            sha256=sha256,
            name=survey.name,
            architecture="",
            parameters=survey.parameters,
            file_bytes=0,
            trained_context_tokens=told,
            context_tokens=min(told, options.context_tokens),
            layers=0,
            chat_template="",
            device=f"{survey.kind.value} at {self._access.host}",
        )
        return self._facts

    async def generate(
        self, lanes: Sequence[Lane], *, priority: Priority = Priority.INTERACTIVE
    ) -> AsyncGenerator[LaneEvent]:
        interactive = priority is Priority.INTERACTIVE
        if not lanes:
            return
        if self._requests is None or self._facts is None:
            raise EngineError("The server has not been asked for its model yet.", "Ask again.")
        events: asyncio.Queue[LaneEvent] = asyncio.Queue()
        self._enter(interactive)
        tasks = [asyncio.create_task(self._run(lane, events, interactive, time.monotonic())) for lane in lanes]
        open_lanes = len(lanes)
        try:
            while open_lanes:
                event = await events.get()
                open_lanes -= not isinstance(event, LaneDelta)
                yield event
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._leave(interactive)

    async def count_prompt_tokens(self, prompts: Sequence[Sequence[ChatMessage]]) -> list[int]:
        if self._tokens is None:
            raise EngineError("The server has not been asked for its model yet.", "Ask again.")
        return await self._tokens.count(prompts)

    def refusal(self, uses: Sequence[AdapterUse]) -> str:
        return self._adapters.refusal(uses) if self._adapters is not None else ""

    async def close(self) -> None:
        self._facts = self._requests = self._tokens = self._adapters = None
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _enter(self, interactive: bool) -> None:
        if interactive:
            self._interactive += 1
            self._quiet.clear()

    def _leave(self, interactive: bool) -> None:
        if interactive:
            self._interactive -= 1
            if not self._interactive:
                self._quiet.set()

    async def _place(self, interactive: bool) -> None:
        """Wait for one of the places; an idle lane gives its own up again while someone is being answered."""
        while True:
            if not interactive:
                await self._quiet.wait()
            await self._places.acquire()
            if interactive or self._quiet.is_set():
                return
            self._places.release()

    async def _run(self, lane: Lane, events: asyncio.Queue[LaneEvent], interactive: bool, started: float) -> None:
        await self._place(interactive)
        try:
            await events.put(await self._answer(lane, events, started))
        except Exception as error:  # noqa: BLE001 - a lane ends in exactly one event, whatever a server does
            await events.put(LaneFailed(lane.key, f"The answer failed ({type(error).__name__}).", "Ask again."))
        finally:
            self._places.release()

    async def _answer(self, lane: Lane, events: asyncio.Queue[LaneEvent], started: float) -> LaneEvent:
        """The lane's end; what comes before it goes into `events`."""
        assert self._requests is not None
        assert self._adapters is not None
        if why := self._adapters.refusal(lane.adapters):
            return LaneFailed(lane.key, why, "docs/remote.md tells how a server gets adapters.")
        if lane.forced:
            return LaneFailed(lane.key, "A server does not tell how likely a text is.", "Ask a model on this machine.")
        for attempt in range(len(self._pauses_s) + 1):
            answer = self._requests.new_answer()
            first_token_s = 0.0
            try:
                async with asyncio.timeout(self._access.answer_s):
                    async for said in self._requests.stream(lane, self._adapters, answer):
                        first_token_s = first_token_s or time.monotonic() - started
                        await events.put(LaneDelta(lane.key, said.text, said.is_thinking))
            except TimeoutError:
                message = f"{self._access.host} took longer than {self._access.answer_s:g} seconds."
                return LaneFailed(lane.key, message, "remote.answer_s gives it more.", answer.text)
            except RemoteFault as fault:
                again = fault.passing and not answer.pieces and attempt < len(self._pauses_s)
                if not again or fault.after_s > LONGEST_PAUSE_S:
                    hint = await self._requests.hint(fault)
                    return LaneFailed(lane.key, fault.message, hint, answer.text)
                await asyncio.sleep(max(self._pauses_s[attempt], fault.after_s))
                continue
            return await self._finished(lane, answer, first_token_s, time.monotonic() - started)
        raise AssertionError("the last try ends the lane")

    async def _finished(self, lane: Lane, answer: Any, first_token_s: float, latency_s: float) -> LaneFinished:
        """What the server did not count is counted here."""
        prompt_tokens = answer.prompt_tokens
        if prompt_tokens is None:
            (prompt_tokens,) = await self.count_prompt_tokens([lane.messages])
        completion = Completion(
            text=answer.text,
            thinking=answer.thinking,
            finish_reason=answer.finish_reason or FinishReason.STOP,
            prompt_tokens=prompt_tokens,
            reused_tokens=min(answer.reused_tokens, prompt_tokens),
            completion_tokens=answer.pieces if answer.completion_tokens is None else answer.completion_tokens,
            first_token_s=first_token_s or latency_s,
            latency_s=latency_s,
        )
        return LaneFinished(lane.key, completion)


def _modules() -> dict[str, Any]:
    names = ("http", "survey", "requests", "tokens", "adapters")
    return {name: import_module(f"studio.inference.remote_{name}") for name in names}


def _hash(file: Path, hashes: Path) -> str:
    checked_header(file)
    try:
        hashes.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return file_sha256(file, hashes, lambda: None)
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}).", "Mend remote.same_as.") from error
