"""GGUF models with random weights, of any architecture and size that the studio trains: they answer nonsense, fast.

Only what llama.cpp demands of an architecture is written: its header, a vocabulary of bytes and letters, its tensors
by their names and shapes. What a trained model would hold in them does not matter to memory, speed or arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

CHATML = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_BYTES = [f"<0x{value:02X}>" for value in range(256)]
_WORDS = ["\u2581", *map(chr, range(ord("a"), ord("z") + 1)), "?", "."]
_TOKENS = ["<unk>", "<s>", "</s>", *_BYTES, *_WORDS, "<|im_start|>", "<|im_end|>"]
_KINDS = [2, 3, 3, *[6] * len(_BYTES), *[1] * len(_WORDS), 3, 3]

Fields = Mapping[str, float | int | str]
Array = npt.NDArray[np.float32]
Packed = npt.NDArray[np.uint8]
_Q = gguf.GGMLQuantizationType
_SCALES = {_Q.Q4_0: {0: 1.0}, _Q.Q5_0: {0: 1.0}, _Q.Q8_0: {0: 1.0}, _Q.Q4_K: {0: 1.0, 2: 7.5}, _Q.Q6_K: {208: 1.0}}
"""Where a block of random bytes has its scales, in half precision, and how many times the block's own."""
_SPREAD = {_Q.Q4_0: 4.6, _Q.Q5_0: 9.2, _Q.Q8_0: 74.0, _Q.Q4_K: 250.0, _Q.Q6_K: 1370.0}
"""How far the numbers of such a block spread at a scale of one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model is like. `more` are further header fields, by name without the architecture;
    `factors` of the rotary embedding, by tensor; `without` are tensors left out."""

    architecture: str = "llama"
    name: str = "Random"
    layers: int = 2
    width: int = 64
    inner: int = 96
    heads: int = 4
    kv_heads: int = 2
    head: int = 16
    rotated: int = 0
    context: int = 256
    vocabulary: int = len(_TOKENS)
    tied: bool = False
    rope_base: float = 10_000.0
    more: Fields = field(default_factory=dict)
    factors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def rotary(self) -> int:
        """How much of a head is rotated by its place."""
        return self.rotated or self.head


def write_random_model(path: Path, shape: Shape, kind: gguf.GGMLQuantizationType | None = None, seed: int = 0) -> Path:
    """Write the model; its matrices in `kind` where given, else in 32-bit floats."""
    writer = gguf.GGUFWriter(path, shape.architecture)
    _write_header(writer, shape)
    draw = np.random.default_rng(seed)
    for tensor, size in _tensors(shape):
        if tensor in shape.without:
            continue
        if len(size) == 1 or kind is None:
            writer.add_tensor(tensor, _floats(draw, size))
        else:
            writer.add_tensor(tensor, random_blocks(int(draw.integers(2**32)), size, kind), raw_dtype=kind)
    for tensor, factors in shape.factors.items():
        writer.add_tensor(f"{tensor}.weight", np.array(factors, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_header(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name(shape.name)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(shape.rotary)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_key_length(shape.head)
    writer.add_value_length(int(shape.more.get("attention.value_length", shape.head)))
    writer.add_vocab_size(shape.vocabulary)
    for key, value in shape.more.items():
        if key == "attention.value_length":
            continue
        add = {int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}[type(value)]
        add(f"{shape.architecture}.{key}", value)
    fillers = [f"<{number}>" for number in range(shape.vocabulary - len(_TOKENS))]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(_TOKENS + fillers)
    writer.add_token_scores([-float(place) for place in range(shape.vocabulary)])
    writer.add_token_types(_KINDS + [5] * len(fillers))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(len(_TOKENS) - 1)
    writer.add_unk_token_id(0)
    writer.add_chat_template(CHATML)


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    yield "token_embd.weight", (shape.vocabulary, shape.width)
    yield "output_norm.weight", (shape.width,)
    if not shape.tied:
        yield "output.weight", (shape.vocabulary, shape.width)
    for layer in range(shape.layers):
        for name, size in _layer(shape, queries, keys).items():
            yield f"blk.{layer}.{name}", size


def _layer(shape: Shape, queries: int, keys: int) -> dict[str, tuple[int, ...]]:
    width, inner, kind = shape.width, shape.inner, shape.architecture
    found: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (width,),
        "ffn_norm.weight": (width,),
        "attn_output.weight": (width, queries),
        "ffn_down.weight": (width, inner),
    }
    if kind == "phi3":
        return found | {"attn_qkv.weight": (queries + 2 * keys, width), "ffn_up.weight": (2 * inner, width)}
    rows = {"attn_q": queries, "attn_k": keys, "attn_v": keys, "ffn_gate": inner, "ffn_up": inner}
    found |= {f"{name}.weight": (count, width) for name, count in rows.items()}
    if kind == "qwen2":
        found |= {f"{name}.bias": (rows[name],) for name in ("attn_q", "attn_k", "attn_v")}
    if kind in ("qwen3", "gemma3"):
        found |= {"attn_q_norm.weight": (shape.head,), "attn_k_norm.weight": (shape.head,)}
    if kind in ("gemma2", "gemma3"):
        found |= {"post_attention_norm.weight": (width,), "post_ffw_norm.weight": (width,)}
    return found


def _floats(draw: np.random.Generator, size: tuple[int, ...]) -> Array:
    """Norms around one, matrices and biases around zero."""
    if len(size) == 1:
        return (1 + draw.normal(0, 0.2, size)).astype(np.float32)
    return draw.normal(0, 1.5 * size[-1] ** -0.5, size).astype(np.float32)


def random_blocks(seed: int, size: tuple[int, ...], kind: gguf.GGMLQuantizationType) -> Packed:
    """A matrix of random blocks, with scales that make their numbers about as large as `_floats`."""
    draw = np.random.default_rng(seed)
    numbers, length = gguf.GGML_QUANT_SIZES[kind]
    blocks = draw.integers(0, 256, (*size[:-1], size[-1] // numbers, length), dtype=np.uint8)
    scale = 1.5 * size[-1] ** -0.5 / _SPREAD[kind]
    for place, times in _SCALES[kind].items():
        blocks[..., place : place + 2] = np.array([times * scale], dtype=np.float16).view(np.uint8)
    return blocks.reshape(*size[:-1], -1)
