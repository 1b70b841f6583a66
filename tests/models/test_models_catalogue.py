"""The catalogue that ships is whole, one's own adds to it, and a wrong one is told; memory is told from headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.domain.model_build import kv_bytes_per_token
from studio.domain.sizes import size_text
from studio.errors import ModelError
from studio.models.catalogue import read_catalogue
from studio.models.fit import Fit, fit_of, memory_need

SHIPPED = Path(__file__).parents[2] / "local_models" / "catalogue.toml"
ENTRY = """
["mine"]
title = "Mine"
repository = "me/mine"
file = "mine.gguf"
bytes = 5
licence = "MIT"
architecture = "llama"
context = 2048
template = "ChatML."
why = "It is mine."
"""


def test_the_catalogue_that_ships_is_whole() -> None:
    entries = read_catalogue([SHIPPED])
    assert len(entries) >= 12
    for name, entry in entries.items():
        assert entry.file.endswith(".gguf"), name
        assert "/" not in entry.file, name
        assert 10**8 < entry.bytes < 10**10, name
        assert len(entry.sha256) in (0, 64), name
        assert all((entry.title, entry.licence, entry.template, entry.why)), name
    assert [entry.bytes for entry in entries.values()] == sorted(entry.bytes for entry in entries.values())


def test_ones_own_adds_to_it_and_counts_more(tmp_path: Path) -> None:
    own = tmp_path / "catalogue.toml"
    own.write_text(ENTRY + ENTRY.replace("mine", "qwen3-4b", 1))
    entries = read_catalogue([SHIPPED, own, tmp_path / "none"])
    assert entries["mine"].repository == "me/mine"
    assert entries["qwen3-4b"].title == "Mine"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("no toml [", "Mend"),
        (ENTRY.replace("bytes = 5", 'bytes = "much"'), "mine"),
        (ENTRY.replace("me/mine", "../mine/x"), "no repository"),
        (ENTRY.replace("mine", "Mine!", 1), "small letters"),
        (ENTRY + 'sha256 = "12"', "hexadecimal"),
    ],
)
def test_a_wrong_one_is_told_by_file_and_entry(tmp_path: Path, wrong: str, told: str) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(wrong)
    with pytest.raises(ModelError) as raised:
        read_catalogue([file])
    assert str(file) in str(raised.value)
    assert told in str(raised.value)


def test_the_memory_a_model_needs_is_told_from_its_header() -> None:
    said: dict[str, str | int | float | bool] = {
        "general.architecture": "llama",
        "llama.block_count": 30,
        "llama.embedding_length": 576,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
        "llama.context_length": 8192,
    }
    large, small = 24 * 10**9, 10**9
    need = memory_need(said, 98_000_000, 4096, large)
    assert need is not None
    assert need.context == 30 * 4096 * 3 * (64 + 64) * 2  # eight conversations of 512 tokens, or one of 4,096
    assert 250_000_000 < need.total < 290_000_000  # 248 MB were measured with eight conversations
    full = memory_need(said, 98_000_000, 65_536, small)
    assert full is not None
    assert full.context == 2 * need.context  # no more than it was trained for
    less = memory_need(said, 98_000_000, 1024, small)
    assert less is not None
    assert less.context < full.context / 2
    assert memory_need({"general.architecture": "odd"}, 1, 4096, large) is None
    wide_heads = said | {"llama.attention.key_length": 128, "llama.attention.value_length": 96}
    assert kv_bytes_per_token(wide_heads) == 30 * 3 * (128 + 96) * 2
    assert [fit_of(size, 100) for size in (50, 90, 101)] == [Fit.FITS, Fit.TIGHT, Fit.NOT]


def test_sizes_are_told_in_two_digits_at_least() -> None:
    sizes = (0, 340, 12_300, 999_600, 1_249_000, 9_960_000, 386_404_992, 999_600_000, 2_489_758_112, 12_400_000_000)
    told = ["0.0 kB", "0.3 kB", "12 kB", "1.0 MB", "1.2 MB", "10 MB", "386 MB", "1.0 GB", "2.5 GB", "12.4 GB"]
    assert [size_text(size) for size in sizes] == told
