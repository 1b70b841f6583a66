"""A model and an adapter that llama.cpp loads and answers with, small enough to damage by the thousand."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WIDTH, LAYERS, HEADS, INNER, RANK = 32, 2, 2, 64, 2
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_BYTES = [f"<0x{value:02X}>" for value in range(256)]
_WORDS = ["\u2581", *map(chr, range(ord("a"), ord("z") + 1)), "\u2581hello", "?", "."]
_TOKENS = ["<unk>", "<s>", "</s>", *_BYTES, *_WORDS, "<|im_start|>", "<|im_end|>"]
_KINDS = [2, 3, 3, *[6] * len(_BYTES), *[1] * len(_WORDS), 3, 3]


def write_small_model(path: Path, *, seed: int = 0, template: str = CHATML, name: str = "Small") -> Path:
    """A chat model of the llama architecture with random weights: two layers, a vocabulary of bytes and letters."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(_TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(_TOKENS)
    writer.add_token_scores([-float(place) for place in range(len(_TOKENS))])
    writer.add_token_types(_KINDS)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(len(_TOKENS) - 1)
    writer.add_unk_token_id(0)
    writer.add_chat_template(template)
    draw = np.random.default_rng(seed)
    for tensor, shape in _shapes().items():
        values = draw.normal(0, 0.1, shape) if len(shape) > 1 else np.ones(shape)
        writer.add_tensor(tensor, values.astype(np.float32))
    return _written(writer, path)


def write_small_adapter(path: Path, *, seed: int = 0) -> Path:
    """A LoRA for it."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 4.0)
    draw = np.random.default_rng(seed)
    for layer in range(LAYERS):
        name = f"blk.{layer}.ffn_down.weight"
        writer.add_tensor(f"{name}.lora_a", draw.normal(0, 0.1, (RANK, INNER)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", draw.normal(0, 0.1, (WIDTH, RANK)).astype(np.float32))
    return _written(writer, path)


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(_TOKENS), WIDTH),
        "output_norm.weight": (WIDTH,),
        "output.weight": (len(_TOKENS), WIDTH),
    }
    for layer in range(LAYERS):
        for part in ("attn_norm", "ffn_norm"):
            shapes[f"blk.{layer}.{part}.weight"] = (WIDTH,)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{part}.weight"] = (WIDTH, WIDTH)
        for part, shape in (("gate", (INNER, WIDTH)), ("up", (INNER, WIDTH)), ("down", (WIDTH, INNER))):
            shapes[f"blk.{layer}.ffn_{part}.weight"] = shape
    return shapes


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def number_fields(raw: bytes) -> list[tuple[int, int]]:
    """Where the header of a whole file holds numbers, as (offset, width): counts, lengths, kinds, shapes, values."""
    at = 4
    found: list[tuple[int, int]] = []

    def take(width: int) -> int:
        nonlocal at
        found.append((at, width))
        at += width
        return int.from_bytes(raw[at - width : at], "little")

    def text() -> None:
        nonlocal at
        length = take(8)
        at += length

    def value(kind: int) -> None:
        if kind == _STRING:
            text()
        elif kind == _ARRAY:
            inner, count = take(4), take(8)
            for _ in range(count):
                value(inner)
        else:
            take(_SCALARS[kind])

    take(4)
    tensors, pairs = take(8), take(8)
    for _ in range(pairs):
        text()
        value(take(4))
    for _ in range(tensors):
        text()
        for _ in range(take(4)):
            take(8)
        take(4)
        take(8)
    return found


def header_bytes(raw: bytes) -> int:
    """How long the header of a whole file is."""
    at, width = number_fields(raw)[-1]
    return at + width


def swapped_text(raw: bytes, old: str, new: str) -> bytes:
    """A whole file with one of its texts replaced, lengths included; tensors stay where the alignment puts them."""
    before = struct.pack("<Q", len(old.encode())) + old.encode()
    after = struct.pack("<Q", len(new.encode())) + new.encode()
    end = header_bytes(raw)
    header = raw[:end].replace(before, after, 1)
    data = raw[-(-end // 32) * 32 :]
    return header + bytes(-len(header) % 32) + data
