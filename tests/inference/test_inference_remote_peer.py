"""A real server of the OpenAI kind on the bundled model, beside the engine of this machine."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from studio.domain.generation import ChatMessage, EngineOptions, FinishReason, Lane, LaneFinished, Role, Sampling
from studio.errors import EngineError
from studio.inference.engine_client import LlamaEngine
from studio.inference.remote_access import RemoteAccess
from studio.inference.remote_engine import RemoteEngine
from studio.inference.remote_tokens import estimated_tokens

QUESTION = (
    ChatMessage(Role.SYSTEM, "You are a helpful assistant."),
    ChatMessage(Role.USER, "What is the refund window? Answer in one sentence, 20 words at most."),
)
LANE = Lane("frozen", QUESTION, sampling=Sampling(max_tokens=16))


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")  # the engine's
async def test_a_real_server_answers_with_what_the_question_costs_here_too(
    engine: LlamaEngine, model_path: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "llama_cpp.server", "--model", str(model_path), "--n_ctx", "1024", "--n_threads", "1"]
    where = ["--host", "127.0.0.1", "--port", str(port), "--interrupt_requests", "False"]
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(sys.executable, *command, *where, stdout=quiet, stderr=quiet)
    remote = RemoteEngine(RemoteAccess(f"http://127.0.0.1:{port}/v1"), tmp_path / "hashes.json")
    try:
        while True:
            try:
                facts = await remote.load(Path(), EngineOptions(context_tokens=1024))
                break
            except EngineError:
                assert server.returncode is None
                await asyncio.sleep(0.2)
        assert facts.name == "SmolLM2-135M-Instruct.Q4_1"
        last = [event async for event in remote.generate([LANE])][-1]
        assert isinstance(last, LaneFinished), last
        assert last.completion.finish_reason is FinishReason.LENGTH
        assert last.completion.completion_tokens == 16
        assert "refund" in last.completion.text
        here = [event async for event in engine.generate([LANE])][-1]
        assert isinstance(here, LaneFinished)
        assert last.completion.text == here.completion.text
        assert estimated_tokens(QUESTION) >= (await engine.count_prompt_tokens([QUESTION]))[0]
    finally:
        await remote.close()
        server.terminate()
        await server.wait()
