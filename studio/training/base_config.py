"""What a GGUF's header says of the model, as transformers' configuration: all that changes what it computes.

Where a header leaves something open, it is what llama.cpp takes then.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    Phi3Config,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from studio.training.architectures import GEMMA2, GEMMA3, LLAMA, PHI3, QWEN2, QWEN3, untrained
from studio.training.base_file import BaseFile

_LARGEST_GEMMA = {GEMMA2: 46, GEMMA3: 62}
"""Layers of the 27B models, which alone scale attention by the width over the heads."""
_GEMMA3_LOCAL_BASE = 10_000.0


def read_config(base: BaseFile) -> PretrainedConfig:
    """Raises TrainingError where the header lacks something or asks for what transformers cannot do alike."""
    width, heads = base.number("embedding_length"), base.number("attention.head_count")
    head = base.number("attention.key_length", width // heads)
    common: dict[str, Any] = {
        "vocab_size": base.vocabulary,
        "hidden_size": width,
        "intermediate_size": base.number("feed_forward_length"),
        "num_hidden_layers": base.number("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": base.number("attention.head_count_kv", heads),
        "head_dim": head,
        "max_position_embeddings": base.number("context_length"),
        "rms_norm_eps": base.real("attention.layer_norm_rms_epsilon"),
        "tie_word_embeddings": not base.has("output.weight"),
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    if base.number("attention.value_length", head) != head:
        raise untrained(base.path.name, "its keys and its values differ in length")
    rope = _rope(base)
    if base.architecture == LLAMA:
        biases = {"attention_bias": base.has("blk.0.attn_q.bias"), "mlp_bias": base.has("blk.0.ffn_up.bias")}
        return LlamaConfig(**common, **biases, rope_parameters=rope)
    if base.architecture == QWEN2:
        return Qwen2Config(**common, rope_parameters=rope)
    if base.architecture == QWEN3:
        return Qwen3Config(**common, rope_parameters=rope, attention_bias=base.has("blk.0.attn_q.bias"))
    if base.architecture == PHI3:
        # llama.cpp does without Phi-3's window, and so does this.
        rope["partial_rotary_factor"] = base.number("rope.dimension_count", head) / head
        return Phi3Config(**common, rope_parameters=rope, sliding_window=None)
    return _gemma(base, common, rope)


def _gemma(base: BaseFile, common: dict[str, Any], rope: dict[str, Any]) -> PretrainedConfig:
    largest = common["num_hidden_layers"] == _LARGEST_GEMMA[base.architecture]
    scalar = common["hidden_size"] // common["num_attention_heads"] if largest else common["head_dim"]
    common |= {"query_pre_attn_scalar": scalar, "sliding_window": base.number("attention.sliding_window", 4096)}
    if base.architecture == GEMMA2:
        return Gemma2Config(
            **common,
            rope_parameters=rope,
            attn_logit_softcapping=base.real("attn_logit_softcapping", 50.0),
            final_logit_softcapping=base.real("final_logit_softcapping", 30.0),
        )
    local = {"rope_type": "default", "rope_theta": base.real("rope.freq_base_swa", _GEMMA3_LOCAL_BASE)}
    return Gemma3TextConfig(
        **common,
        rope_parameters={"full_attention": rope, "sliding_attention": local},
        sliding_window_pattern=base.number("attention.sliding_window_pattern", 6),
        final_logit_softcapping=base.real("final_logit_softcapping", 0.0) or None,
    )


def _rope(base: BaseFile) -> dict[str, Any]:
    """How places are turned into angles, as far as the header says it in numbers; factors come with the weights."""
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": base.real("rope.freq_base", 10_000.0)}
    kind = base.text("rope.scaling.type")
    factor = base.real("rope.scaling.factor", 0.0) or base.real("rope.scale_linear", 0.0)
    if kind in ("", "none", "longrope") and not (kind == "" and factor):
        return rope
    if kind in ("", "linear"):
        return rope | {"rope_type": "linear", "factor": factor or 1.0}
    if kind == "yarn" and base.architecture in (LLAMA, QWEN2, QWEN3):
        original = base.number("rope.scaling.original_context_length", base.number("context_length"))
        return rope | {"rope_type": "yarn", "factor": factor or 1.0, "original_max_position_embeddings": original}
    raise untrained(base.path.name, f"its places are scaled by '{kind}'")


def apply_rope_factors(base: BaseFile, rotary: Any) -> None:
    """Divide the frequencies of `rotary` (a model's rotary embedding) by the factors that lie beside the weights.

    Of the two sets of a model for long texts the one for short ones, as llama.cpp takes it for contexts as short as
    the studio's.
    """
    if base.architecture not in (LLAMA, PHI3):
        return
    name = next((name for name in ("rope_freqs.weight", "rope_factors_short.weight") if base.has(name)), None)
    if name is not None:
        with torch.no_grad():
            rotary.inv_freq /= base.values(name, (1, 1))
            rotary.original_inv_freq.copy_(rotary.inv_freq)
    if base.architecture == PHI3:
        rotary.attention_scaling *= base.real("rope.scaling.attn_factor", 1.0)
