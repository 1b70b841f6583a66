"""Tiny GGUF files whose headers read: enough for everything that happens before llama.cpp sees one."""

from __future__ import annotations

import random
import struct

_STRING, _UINT32 = 8, 4


def made_gguf(data_bytes: int = 200_000, *, seed: int = 0, **metadata: str | int) -> bytes:
    """A chat model of one tensor, of somewhat more than `data_bytes`; metadata by key, `__` for a dot."""
    said: dict[str, str | int] = {
        "general.architecture": "llama",
        "general.name": "Made",
        "general.license": "apache-2.0",
        "llama.block_count": 2,
        "llama.context_length": 2048,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.vocab_size": 100,
        "tokenizer.chat_template": "{{ messages }}",
    }
    said |= {key.replace("__", "."): value for key, value in metadata.items()}
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, len(said))
    for key, value in said.items():
        header += _text(key)
        if isinstance(value, str):
            header += struct.pack("<I", _STRING) + _text(value)
        else:
            header += struct.pack("<II", _UINT32, value)
    floats = data_bytes // 4
    header += _text("token_embd.weight") + struct.pack("<IQIQ", 1, floats, 0, 0)
    padding = b"\0" * (-len(header) % 32)
    return header + padding + random.Random(seed).randbytes(floats * 4)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw
