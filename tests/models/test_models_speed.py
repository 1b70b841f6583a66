"""How fast a model is expected to answer: from what its header says is read, and what the machine was measured at."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_gguf import made_gguf

from studio.domain.speed import MachineSpeed, Work, token_seconds
from studio.inference.bare_gguf import VOCABULARY, BareShape, write_bare_model
from studio.inference.gguf_header import read_header
from studio.models.fit import MemoryNeed, layers_on_gpu

F32, Q8_0, Q4_K = 0, 8, 12


def test_what_a_token_reads_is_added_up_by_kind(tmp_path: Path) -> None:
    shape = BareShape(Q8_0, layers=3, width=128, inner=256, heads=4, kv_heads=2)
    write_bare_model(tmp_path / "bare.gguf", shape)
    header = read_header(tmp_path / "bare.gguf")
    assert not header.is_truncated
    assert header.read_bytes[Q8_0] == shape.bytes == 3 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 128 * 256) // 32 * 34
    norms = (2 * 3 + 1) * 128 * 4
    assert header.read_bytes[F32] == norms + VOCABULARY * 128 * 4, "without an output matrix the embedding is it"
    assert header.read_rows == shape.rows + 7 + VOCABULARY


def test_an_embedding_beside_an_output_matrix_is_not_read(tmp_path: Path) -> None:
    content = made_gguf(4096)
    (tmp_path / "tied.gguf").write_bytes(content)
    (tmp_path / "other.gguf").write_bytes(content.replace(b"token_embd.weight", b"blk.0.ffn_up.exps"))
    tied, other = (read_header(tmp_path / f"{name}.gguf").read_bytes for name in ("tied", "other"))
    assert tied == other == {F32: 4096}


def test_of_experts_only_those_that_a_token_is_sent_to_are_read(tmp_path: Path) -> None:
    content = made_gguf(4096, llama__expert_count=8, llama__expert_used_count=2)
    (tmp_path / "experts.gguf").write_bytes(content.replace(b"token_embd.weight", b"blk.0.ffn_u_exps."))
    assert read_header(tmp_path / "experts.gguf").read_bytes == {F32: 1024}


def test_seconds_for_a_token() -> None:
    speed = MachineSpeed(2, layer_s=1e-5, row_s=1e-8, kv_bytes_s=1e10, bytes_s={Q8_0: 1e10, Q4_K: 5e9})
    work = Work({Q8_0: 10**9, Q4_K: 10**9, F32: 10**6}, rows=10**6, layers=10, kv_bytes=10**5)
    assert token_seconds(work, speed, 1000) == pytest.approx(0.1 + 0.2 + 1e6 / 5e9 + 0.01 + 1e-4 + 0.01)
    assert token_seconds(Work({14: 10**9, Q8_0: 10**9}, 1, 1, 0), speed) is None, "half of it was not measured"
    assert token_seconds(Work({}, 0, 0, 0), speed) is None


def test_layers_that_fit_onto_a_graphics_card() -> None:
    need = MemoryNeed(weights=8_000, context=900, computing=1_000)  # 10 layers: about 809 each
    assert [layers_on_gpu(need, 10, size) for size in (500, 2_700, 9_900, 90_000)] == [0, 2, 10, 10]
