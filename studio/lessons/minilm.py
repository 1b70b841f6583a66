"""MiniLM in NumPy: from texts to unit vectors, without torch, whose import alone takes seconds and 400 MB.

A BERT of six layers (arXiv 1810.04805), as sentence-transformers runs it: the mean of the last layer's states, at
length 1. The weights stay in their file, mapped into memory, but for those that the fine-tuning changes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.lessons.minilm_lora import WEIGHTS, merge_lora

Floats = NDArray[np.float32]

MOST_PIECES = 256
"""Of a text, the word pieces that are read."""

_HEADS = 12
_NORM_EPSILON = 1e-12
# Abramowitz and Stegun, 7.1.26: erf to within 1.5e-7, which is what float32 holds.
_ERF_STEP = np.float32(0.3275911)
_ERF = tuple(np.float32(one) for one in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))


class MiniLm:
    """Raises EmbedderError, OSError, ValueError or KeyError where the files are not what they should be."""

    def __init__(self, folder: Path, lora: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_PIECES)
        mapped = mapped_weights(folder / WEIGHTS)
        merged = dict(mapped)
        merge_lora(merged, folder, lora)
        changed = {name: weight for name, weight in merged.items() if weight is not mapped[name]}
        # Mapped once more: what was read of the file to be merged (22 MB) goes out of memory with the first mapping.
        self._weights = mapped_weights(folder / WEIGHTS) | changed
        self._layers = 1 + max(int(name.split(".")[2]) for name in self._weights if name.startswith("encoder.layer."))

    def embed(self, texts: Sequence[str]) -> Floats:
        """[texts, width], each row of length 1."""
        pieces = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        # Side by side without padding: only attention must know where one text ends.
        ends = np.cumsum([len(ids) for ids in pieces]).tolist()
        spans = [slice(end - len(ids), end) for ids, end in zip(pieces, ends, strict=True)]
        states = self._embeddings(pieces)
        for layer in range(self._layers):
            states = self._layer(f"encoder.layer.{layer}", states, spans)
        means = np.stack([states[span].mean(axis=0) for span in spans])
        unit: Floats = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return unit

    def _embeddings(self, pieces: Sequence[Sequence[int]]) -> Floats:
        words, places, kinds = (
            self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        states = np.concatenate([words[ids] + places[: len(ids)] for ids in pieces]) + kinds[0]
        return self._normed("embeddings.LayerNorm", states)

    def _layer(self, name: str, states: Floats, spans: Sequence[slice]) -> Floats:
        parts = (f"{name}.attention.self.{part}" for part in ("query", "key", "value"))
        query, key, value = (self._linear(part, states) for part in parts)
        seen = np.concatenate([_attention(query[span], key[span], value[span]) for span in spans])
        attended = self._linear(f"{name}.attention.output.dense", seen)
        states = self._normed(f"{name}.attention.output.LayerNorm", attended + states)
        inner = _gelu(self._linear(f"{name}.intermediate.dense", states))
        return self._normed(f"{name}.output.LayerNorm", self._linear(f"{name}.output.dense", inner) + states)

    def _linear(self, name: str, states: Floats) -> Floats:
        product: Floats = states @ self._weights[f"{name}.weight"].T
        product += self._weights[f"{name}.bias"]
        return product

    def _normed(self, name: str, states: Floats) -> Floats:
        centred = states - states.mean(axis=-1, keepdims=True)
        centred /= np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(_NORM_EPSILON))
        normed: Floats = centred * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return normed


def mapped_weights(file: Path) -> dict[str, Floats]:
    """The tensors of a safetensors file of float32, mapped and not read. Raises OSError, ValueError, KeyError."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > file.stat().st_size:
            raise ValueError(f"{file.name} is cut short")
        header: Mapping[str, Mapping[str, object]] = json.loads(stream.read(length))
    content = np.memmap(file, np.uint8, "r", offset=8 + length)
    weights: dict[str, Floats] = {}
    for name, told in header.items():
        if told.get("dtype") == "F32":
            begin, end = np.asarray(told["data_offsets"]).tolist()
            shape = tuple(np.asarray(told["shape"], dtype=int).tolist())
            weights[name] = content[begin:end].view(np.float32).reshape(shape)
    return weights


def _attention(query: Floats, key: Floats, value: Floats) -> Floats:
    """Every place of one text sees all of it, each head by itself."""
    count, width = query.shape
    size = width // _HEADS
    by_head = (states.reshape(count, _HEADS, size).transpose(1, 0, 2) for states in (query, key, value))
    asked, offered, given = by_head
    scores: Floats = asked @ offered.transpose(0, 2, 1)
    scores *= np.float32(1 / math.sqrt(size))
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    seen: Floats = (scores @ given).transpose(1, 0, 2).reshape(count, width)
    return seen


def _gelu(states: Floats) -> Floats:
    """x times the normal distribution's share below x, in place of `states`; buffers are used again, being large."""
    size: Floats = np.abs(states)
    scaled: Floats = size * np.float32(math.sqrt(0.5))
    step: Floats = scaled * _ERF_STEP
    step += 1
    np.reciprocal(step, out=step)
    above: Floats = step * _ERF[0]
    for factor in _ERF[1:]:
        above += factor
        above *= step
    np.square(scaled, out=scaled)
    np.negative(scaled, out=scaled)
    above *= np.exp(scaled, out=scaled)
    above *= size
    above *= np.float32(0.5)
    np.maximum(states, 0, out=states)
    states -= above
    return states
