"""A thin typed layer over llama.cpp's C API as llama-cpp-python binds it: model, vocabulary, context, sampler.

The only module that calls llama.cpp; it lives in the engine process. Pointers never leave it unwrapped.
"""

from __future__ import annotations

import ctypes
import math
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from studio.domain.generation import Sampling
from studio.errors import AdapterError, ModelError

Logits = np.ndarray[tuple[int], np.dtype[np.float32]]

MOST_LOGITS = 16
"""The most tokens of one step whose logits may be wanted: a row each, of the size of the vocabulary."""

_PIECE_BYTES = 64
_LOG_ERROR = 4
_GRAPHICS_CARDS = (1, 2)
"""ggml's numbers of the kinds of devices: cards with memory of their own, and those that share the machine's."""


def silence_log() -> Callable[..., None]:
    """Let llama.cpp write its errors only, to file descriptor 2. The result must be kept alive."""

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def log(level: int, text: bytes, _: object) -> None:
        if level == _LOG_ERROR:
            sys.stderr.write(text.decode("utf-8", "replace"))
            sys.stderr.flush()

    llama_cpp.llama_log_set(log, None)
    return log  # type: ignore[no-any-return]


def uses_amx() -> bool:
    """Whether llama.cpp would repack the weights for Intel's AMX, where it crashes at the first token.

    Compilers drop the stores of its tile configuration, and processors that trap tiles per thread refuse them:
    https://github.com/ggml-org/llama.cpp/issues/20824, https://github.com/ggml-org/llama.cpp/pull/26954.
    """
    return b"AMX_INT8 = 1" in llama_cpp.llama_print_system_info()


def graphics_memory() -> int:
    """Bytes that are free on graphics cards which this llama.cpp computes on; 0 where it computes on none."""
    if not llama_cpp.llama_supports_gpu_offload():
        return 0
    from llama_cpp._ggml import libggml

    found, free, total = 0, ctypes.c_size_t(), ctypes.c_size_t()
    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p] + 2 * [ctypes.POINTER(ctypes.c_size_t)]
    libggml.ggml_backend_dev_memory.restype = None
    for number in range(libggml.ggml_backend_dev_count()):
        device = libggml.ggml_backend_dev_get(number)
        if libggml.ggml_backend_dev_type(device) in _GRAPHICS_CARDS:
            libggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
            found += free.value
    return found


class NativeModel:
    """A loaded GGUF. `on_progress` is called while it loads. Raises ModelError."""

    def __init__(self, path: Path, gpu_layers: int, on_progress: Callable[[], None]) -> None:
        @llama_cpp.llama_progress_callback  # type: ignore[untyped-decorator]
        def progress(_fraction: float, _data: object) -> bool:
            on_progress()
            return True

        self.lock = threading.RLock()
        """Whoever makes a context looks at all adapters, which come and go in other threads."""
        self.is_freed = False
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.progress_callback = progress
        params.use_extra_bufts = not uses_amx()
        self.pointer = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        if not self.pointer:
            raise ModelError(f"llama.cpp cannot load {path.name}.", "The engine's log holds its reason.")
        self._vocab = llama_cpp.llama_model_get_vocab(self.pointer)
        self.vocab_size: int = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self.trained_context_tokens: int = llama_cpp.llama_model_n_ctx_train(self.pointer)
        self.layers: int = llama_cpp.llama_model_n_layer(self.pointer)
        self.parameters: int = llama_cpp.llama_model_n_params(self.pointer)
        self.width: int = llama_cpp.llama_model_n_embd(self.pointer)
        self.has_decoder: bool = llama_cpp.llama_model_has_decoder(self.pointer)
        # A recurrent state cannot be cut back to a prefix, so nothing of it can be reused.
        self.can_reuse_prefixes: bool = not (
            llama_cpp.llama_model_is_recurrent(self.pointer) or llama_cpp.llama_model_is_hybrid(self.pointer)
        )
        self.offloads: bool = gpu_layers != 0 and bool(llama_cpp.llama_supports_gpu_offload())
        template = llama_cpp.llama_model_chat_template(self.pointer, None)
        self.chat_template: str = template.decode("utf-8", "replace") if template else ""
        self._pieces: dict[int, bytes] = {}

    def free(self) -> None:
        """Contexts must be gone; adapters go with it."""
        with self.lock:
            self.is_freed = True
            llama_cpp.llama_model_free(self.pointer)

    @property
    def bos_text(self) -> str:
        return self._text_of(llama_cpp.llama_vocab_bos(self._vocab))

    @property
    def eos_text(self) -> str:
        return self._text_of(llama_cpp.llama_vocab_eos(self._vocab))

    def _text_of(self, token: int) -> str:
        return "" if token < 0 else str(llama_cpp.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace"))

    def control_tokens(self) -> frozenset[str]:
        """Texts of the tokens that only a template may produce."""
        wanted = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
        attributes, vocab = llama_cpp.llama_vocab_get_attr, self._vocab
        return frozenset(self._text_of(token) for token in range(self.vocab_size) if attributes(vocab, token) & wanted)

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        """No BOS or EOS is added: the template says all."""
        raw = text.encode("utf-8", "replace")
        room = len(raw) + 8
        while True:
            buffer = (llama_cpp.llama_token * room)()
            number = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), buffer, room, False, parse_special)
            if number >= 0:
                return list(buffer[:number])
            room = -number

    def piece(self, token: int) -> bytes:
        """The bytes of a token; none for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            room = _PIECE_BYTES
            buffer = ctypes.create_string_buffer(room)
            length = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
            if length < 0:
                room = -length
                buffer = ctypes.create_string_buffer(room)
                length = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
            known = self._pieces[token] = buffer.raw[:length]
        return known

    def ends_answer(self, token: int) -> bool:
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))


class NativeAdapter:
    """A loaded adapter, for `NativeContext.attach`; freed once nobody holds it. Raises AdapterError."""

    def __init__(self, model: NativeModel, path: Path) -> None:
        self._model = model
        with model.lock:
            self.pointer: Any = llama_cpp.llama_adapter_lora_init(model.pointer, str(path).encode())
        if not self.pointer:
            raise AdapterError(
                f"The adapter {path.name} does not fit the loaded model.", "Train a new one, or load its own model."
            )

    def __del__(self) -> None:
        with self._model.lock:
            if self.pointer and not self._model.is_freed:
                llama_cpp.llama_adapter_lora_free(self.pointer)


class NativeContext:
    """KV memory and compute buffers for `sequences` sequences of up to `tokens` tokens, over one set of adapters.

    Each sequence has its own KV memory: with one for all, the logits of a sequence depended in the first decimal on
    what else lay there, and of 45 short greedy answers 30 came out in other words (docs/performance.md).
    """

    def __init__(self, model: NativeModel, *, tokens: int, sequences: int, threads: int, batch_tokens: int) -> None:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = tokens * sequences
        params.n_batch = params.n_ubatch = batch_tokens
        params.n_seq_max = sequences
        params.n_outputs_max = max(MOST_LOGITS, sequences)
        params.n_threads = params.n_threads_batch = threads
        # On CPUs llama.cpp's flash attention makes one query wait 2.5 times as long at 2,000 tokens of context as plain
        # attention does, and gains a tenth of a prompt's time at most (docs/performance.md).
        params.flash_attn_type = (
            llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO if model.offloads else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        params.kv_unified = False
        params.swa_full = True
        params.no_perf = True
        with model.lock:
            self._context = llama_cpp.llama_init_from_model(model.pointer, params)
        if not self._context:
            raise ModelError(
                f"There is not enough memory for a context of {tokens} tokens.", "Set model.context_tokens lower."
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(batch_tokens, 0, 1)
        self._vocab_size = model.vocab_size
        self.tokens, self.sequences = tokens, sequences
        self._threads = threads
        self._batch.n_tokens = 0
        self._views: dict[int, Logits] = {}
        self._scratch: Logits = np.empty(model.vocab_size, np.float32)

    def free(self) -> None:
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)

    def use_threads(self, threads: int) -> None:
        if threads != self._threads:
            llama_cpp.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads

    def attach(self, adapters: Sequence[NativeAdapter], scales: Sequence[float]) -> None:
        """Put these adapters, or none, in place of what was attached; their effects add up. Clears the memory.

        They must be held for as long as they are attached.
        """
        self.clear()
        pointers = (adapter.pointer for adapter in adapters)
        handles = (llama_cpp.llama_adapter_lora_p_ctypes * len(adapters))(*pointers)
        factors = (ctypes.c_float * len(adapters))(*scales)
        if llama_cpp.llama_set_adapters_lora(self._context, handles, len(adapters), factors) != 0:
            raise AdapterError("llama.cpp refused to attach the adapter.", "Train a new one.")

    def clear(self) -> None:
        llama_cpp.llama_memory_clear(self._memory, False)

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        """llama.cpp copies memories whole only."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)
        self.cut(target, length)

    def cut(self, sequence: int, length: int) -> None:
        """Keep the first tokens of the sequence only."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def remove(self, sequence: int) -> None:
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def save(self, sequence: int) -> ctypes.Array[ctypes.c_uint8]:
        """The sequence's memory, for `restore` in a context of the same model and adapters."""
        size = llama_cpp.llama_state_seq_get_size(self._context, sequence)
        saved: ctypes.Array[ctypes.c_uint8] = (ctypes.c_uint8 * size)()
        llama_cpp.llama_state_seq_get_data(self._context, saved, size, sequence)
        return saved

    def restore(self, sequence: int, saved: ctypes.Array[ctypes.c_uint8]) -> bool:
        """False where it is not to be had back; the sequence is empty then."""
        return bool(llama_cpp.llama_state_seq_set_data(self._context, saved, len(saved), sequence))

    def decode(self, rows: Sequence[tuple[int, int, int, bool]]) -> int:
        """Compute (token, position, sequence, wants_logits) rows; llama_decode's return code, 0 for done."""
        batch = self._batch
        batch.n_tokens = len(rows)
        for index, (token, position, sequence, wants_logits) in enumerate(rows):
            batch.token[index] = token
            batch.pos[index] = position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wants_logits
        return int(llama_cpp.llama_decode(self._context, batch))

    def greedy_token(self, row: int) -> tuple[int, float]:
        """The likeliest token after a row that wanted logits, and its log probability."""
        logits = self._logits(row)
        token = int(logits.argmax())
        return token, self._log_probability(logits, token)

    def log_probability(self, row: int, token: int) -> float:
        """Of this token, after a row that wanted logits."""
        return self._log_probability(self._logits(row), token)

    def sampled_token(self, sampler: NativeSampler, row: int) -> tuple[int, float]:
        """A token drawn, and its log probability by the model's own distribution, before the sampler's."""
        token = int(llama_cpp.llama_sampler_sample(sampler.pointer, self._context, row))
        return token, self._log_probability(self._logits(row), token)

    def _logits(self, row: int) -> Logits:
        logits = llama_cpp.llama_get_logits_ith(self._context, row)
        address = ctypes.addressof(logits.contents)
        view = self._views.get(address)
        if view is None:  # llama.cpp seldom moves its buffer, and a view costs more than the search for the maximum
            view = self._views[address] = np.ctypeslib.as_array(logits, shape=(self._vocab_size,))
        return view

    def _log_probability(self, logits: Logits, token: int) -> float:
        # In a buffer that is kept: for a vocabulary of 49,000 tokens 0.04 ms, of which a new one would be a third.
        np.subtract(logits, logits[token], out=self._scratch)
        np.exp(self._scratch, out=self._scratch)
        return -math.log(float(self._scratch.sum()))


class NativeSampler:
    """llama.cpp's chain top-k, top-p, min-p, temperature, seeded draw."""

    def __init__(self, sampling: Sampling, seed: int) -> None:
        self.pointer = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for link in (
            llama_cpp.llama_sampler_init_top_k(sampling.top_k),
            llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1),
            llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1),
            llama_cpp.llama_sampler_init_temp(sampling.temperature),
            llama_cpp.llama_sampler_init_dist(seed),
        ):
            llama_cpp.llama_sampler_chain_add(self.pointer, link)

    def free(self) -> None:
        llama_cpp.llama_sampler_free(self.pointer)
