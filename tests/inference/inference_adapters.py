"""Adapters made on the spot: random, but real GGUF LoRA files."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np


def write_adapter(path: Path, *, width: int = 576, seed: int = 0, size: float = 0.15, base_sha256: str = "") -> Path:
    """A random rank-4 LoRA on the MLP's down projections, strong enough to change answers."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 4.0)
    if base_sha256:
        writer.add_string("studio.base_sha256", base_sha256)
    for layer in range(0, 30, 3):
        name = f"blk.{layer}.ffn_down.weight"
        writer.add_tensor(f"{name}.lora_a", random.normal(0, size, (4, 1536)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", random.normal(0, size, (width, 4)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
