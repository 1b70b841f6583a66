"""The model to train: the very GGUF that answers, its weights unpacked or not, with a LoRA on its linear layers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

import gguf
import numpy as np
import numpy.typing as npt
import psutil
import torch
from accelerate import init_empty_weights
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from studio.domain.methods import Method
from studio.errors import TrainingError
from studio.training.architectures import GEMMA2, untrained
from studio.training.base_config import apply_rope_factors, read_config
from studio.training.base_file import BaseFile
from studio.training.base_weights import fill, forget_between
from studio.training.foreign import LoraModel, Tokenizer
from studio.training.job import ALL_LINEAR, ATTENTION, MLP, TrainingConfig
from studio.training.low_rank import join_low_rank
from studio.training.night_memory import BLOCK_PLACES, SHARE_OF_FREE, Build, night_memory

TARGETS: dict[str, str | list[str]] = {
    ALL_LINEAR: "all-linear",
    MLP: r".*\.mlp\.(?!act)[a-z_0-9]+",
    ATTENTION: r".*\.self_attn\.[a-z_]+",
}


_LAYER = 512, 768, 2048
"""Rows, inner size and columns of a product of the size of a small model's layers."""
_GLIMPSE = 64, 768, 1024
"""A sixteenth of it: where a processor has no bfloat16 the whole takes torch four seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and in which precision the night computes; `packed`: with the model's weights as they lie in the file."""

    device: str
    dtype: str
    packed: bool = False

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.device)

    @property
    def torch_dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.dtype == "bfloat16" else torch.float32


def choose_place(path: Path, config: TrainingConfig) -> Place:
    """Where the fastest arithmetic is; the weights of the model at `path` unpacked, if that fits into what is free.

    Raises TrainingError where the model cannot be trained.
    """
    place = _fastest()
    if config.method is Method.MICA:  # it decomposes the weights
        return place
    if config.packed is not None:
        return replace(place, packed=config.packed)
    free = torch.cuda.mem_get_info()[0] if place.device == "cuda" else psutil.virtual_memory().available
    return replace(place, packed=memory_in(place, BaseFile(path).build(), config) > SHARE_OF_FREE * free)


def memory_in(place: Place, build: Build, config: TrainingConfig) -> int:
    """Bytes that a night will take there at its peak."""
    return night_memory(
        build,
        rank=config.rank,
        share_below=config.share_below,
        number_bytes=place.torch_dtype.itemsize,
        packed=place.packed,
        places=BLOCK_PLACES[place.device],
    )


def _fastest() -> Place:
    """CUDA where there is one; otherwise the CPU, in bfloat16 if a timed matrix product shows that it is faster."""
    if torch.cuda.is_available():
        return Place("cuda", "bfloat16" if torch.cuda.is_bf16_supported() else "float32")
    half, single = _best_of_turns(_GLIMPSE, 3)
    if half > 4 * single:
        return Place("cpu", "float32")
    half, single = _best_of_turns(_LAYER, 12)
    return Place("cpu", "bfloat16" if half < 0.8 * single else "float32")


def _best_of_turns(shape: tuple[int, int, int], turns: int) -> tuple[float, float]:
    """Seconds of a product in bfloat16 and in float32, by turns, so that both find the machine as busy."""
    seconds = [(_time_product(torch.bfloat16, shape), _time_product(torch.float32, shape)) for _ in range(turns)]
    return min(half for half, _ in seconds), min(single for _, single in seconds)


def _time_product(dtype: torch.dtype, shape: tuple[int, int, int]) -> float:
    rows, inner, columns = shape
    left, right = torch.ones(rows, inner, dtype=dtype), torch.ones(inner, columns, dtype=dtype)
    start = time.perf_counter()
    left @ right
    return time.perf_counter() - start


def prepare_process() -> None:
    """One thread per physical core that the process may use, no network, no progress bars."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or products on a GPU are not the same every time
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(min(psutil.cpu_count(logical=False) or allowed, allowed))  # more would wait for each other
    torch.use_deterministic_algorithms(True, warn_only=True)
    # cuDNN's attention is not deterministic, and plans anew for every length, of which a night has hundreds.
    torch.backends.cuda.enable_cudnn_sdp(False)
    # Filling what is about to be overwritten anyway took a seventh of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


class _HeaderReader(gguf.GGUFReader):  # type: ignore[misc]
    """gguf's reader, its file as a plain array: of each of a header's hundred thousand values it makes a few views, and
    one of a memory map takes four times as long."""

    @property
    def data(self) -> npt.NDArray[np.uint8]:
        return self._plain

    @data.setter
    def data(self, mapped: npt.NDArray[np.uint8]) -> None:
        self._plain = np.asarray(mapped)


@contextmanager
def files_read_once() -> Iterator[None]:
    """Within the block a GGUF's header is read once, not four times, and its table of names made once, not per module.

    transformers and the gguf package, which are not made for it, take ten seconds longer to load a small model.
    """
    reader, names = gguf.GGUFReader, gguf.get_tensor_name_map
    read = cache(_HeaderReader if reader is _HeaderReader.__base__ else reader)  # in an outer block it is read already
    gguf.GGUFReader = lambda path: read(os.fspath(path))
    gguf.get_tensor_name_map = cache(names)
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = reader, names


@files_read_once()
def load(path: Path, place: Place) -> tuple[LoraModel, Tokenizer]:
    """The model in `place`, frozen, and its tokenizer. Raises TrainingError when the file cannot be trained."""
    try:
        base = BaseFile(path)
        with init_empty_weights(include_buffers=False):
            model = AutoModelForCausalLM.from_config(
                read_config(base),
                dtype=place.torch_dtype,
                # For sequences as short as a chat's, plain products beat the fused kernel on a CPU, whose backward is
                # slow. Gemma 2 caps the logits of its attention, which no fused kernel does.
                attn_implementation="eager" if place.device == "cpu" or base.architecture == GEMMA2 else "sdpa",
            )
        fill(model, base, place.torch_dtype, packed=place.packed)
        if place.packed:
            forget_between(model.get_decoder().layers)
        apply_rope_factors(base, model.get_decoder().rotary_emb)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except TrainingError:
        raise
    except Exception as error:  # transformers and gguf raise many kinds for files they do not know
        raise untrained(path.name, f"its header, weights or tokenizer are not as expected ({error})") from error
    return cast("LoraModel", model.to(place.torch_device).eval()), cast("Tokenizer", tokenizer)


def adapted_layers(model: LoraModel, config: TrainingConfig) -> list[int]:
    """The layers that get an adapter, counted from the bottom."""
    count = int(model.config.num_hidden_layers)
    if config.method is Method.LAYRA:
        return sorted({0, count - 1})
    return list(range(round(config.share_below * count), count))


def attach_lora(model: LoraModel, config: TrainingConfig) -> LoraModel:
    """The model with a fresh LoRA (Hu et al. 2021), in the form of `config.method`, its weights drawn from the seed.

    They have the model's own precision, so that nothing is converted in between; the trainer keeps them in float32.
    """
    torch.manual_seed(config.seed)
    left_out = set(range(model.config.num_hidden_layers)).difference(adapted_layers(model, config))
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules=TARGETS[config.targets],
            exclude_modules=rf".*\.layers\.({'|'.join(map(str, sorted(left_out)))})\..*" if left_out else None,
            use_rslora=config.method is Method.RSLORA,
            init_lora_weights="mica" if config.method is Method.MICA else True,
            task_type="CAUSAL_LM",
        ),
        autocast_adapter_dtype=False,
    )
    join_low_rank(adapted)
    return cast("LoraModel", adapted)
