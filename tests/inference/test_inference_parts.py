"""The engine's pure parts: text from bytes, the book of the KV memory, the GGUF header, file hashes, the protocol."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.inference.file_identity import file_sha256
from studio.inference.gguf_header import GgufFormatError, read_header
from studio.inference.protocol import (
    Cancel,
    Generate,
    LaneSpec,
    SamplingSpec,
    TextArrived,
    TokensCounted,
    decode_command,
    decode_event,
    encode,
)
from studio.inference.sequence_cache import SequenceCache, common_prefix
from studio.inference.text_stream import TextStream


@given(st.text(), st.integers(1, 3))
def test_text_survives_any_split_of_its_bytes(text: str, size: int) -> None:
    raw = text.encode()
    stream = TextStream()
    deltas = [stream.push(raw[at : at + size]) for at in range(0, len(raw), size)] + [stream.finish()]
    assert "".join(deltas) == text == stream.text
    assert "\ufffd" not in "".join(deltas) or "\ufffd" in text


def test_emoji_arrives_whole_and_half_a_one_never() -> None:
    stream = TextStream()
    raw = "日😀".encode()
    assert [stream.push(raw[at : at + 1]) for at in range(len(raw))] == ["", "", "日", "", "", "", "😀"]
    assert stream.push(raw[3:5]) == ""
    assert stream.finish() == ""


def test_impossible_bytes_become_the_replacement_character() -> None:
    stream = TextStream()
    assert stream.push(b"a\xffb") == "a\ufffdb"


def test_stop_string_across_deltas_is_cut_and_ends() -> None:
    stream = TextStream(["\nUser:", "END"])
    assert stream.push(b"fine\nUs") == "fine"
    assert stream.push(b"age EN") == "\nUsage "
    assert stream.push(b"D and more") == ""
    assert stream.finish() == ""
    assert stream.stopped
    assert stream.text == "fine\nUsage "


def test_held_back_text_comes_out_at_the_end() -> None:
    stream = TextStream(["END"])
    assert stream.push(b"EN") + stream.finish() == "EN"


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_prefix(one: list[int], other: list[int]) -> None:
    length = common_prefix(one, other)
    assert one[:length] == other[:length]
    assert length in (len(one), len(other)) or one[length] != other[length]


def test_shared_prefixes_cost_their_cells_once() -> None:
    cache = SequenceCache(capacity=100, max_sequences=4)
    first = cache.open(None, 0)
    cache.append(first, [1, 2, 3, 4])
    source, shared = cache.best_source([1, 2, 3, 9, 9])
    assert source is first
    assert shared == 3
    second = cache.open(source, shared)
    cache.append(second, [9])
    assert cache.cells_used == 5
    cache.keep(first)
    assert cache.evict() is first
    assert cache.cells_used == 4
    assert cache.evict() is None
    cache.drop(second)
    assert cache.cells_used == 0


def test_a_kept_sequence_goes_on_from_a_shorter_prefix_of_its_own() -> None:
    cache = SequenceCache(capacity=100, max_sequences=4)
    first = cache.open(None, 0)
    cache.append(first, [1, 2, 3, 4, 5])
    assert not cache.take_over(first, 2), "it is still at work"
    cache.keep(first)
    assert cache.take_over(first, 2)
    cache.append(first, [7])
    assert (first.tokens, cache.cells_used) == ([1, 2, 7], 3)
    assert cache.evict() is None


def test_the_last_prompt_token_is_never_taken_from_memory() -> None:
    cache = SequenceCache(capacity=10, max_sequences=2)
    cache.append(cache.open(None, 0), [5, 6, 7])
    assert cache.best_source([5, 6, 7])[1] == 2
    assert cache.best_source([5])[1] == 0


def test_header_of_the_real_model(model_path: Path) -> None:
    header = read_header(model_path)
    assert header.architecture == "llama"
    assert header.needed_bytes == header.file_bytes
    assert not header.is_adapter
    assert not header.only_embeds


def test_hostile_counts_are_refused_at_once(tmp_path: Path) -> None:
    for counts in [(2**62, 0), (0, 2**62), (2**64 - 1, 2**64 - 1)]:
        file = tmp_path / "hostile.gguf"
        file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, *counts) + b"\0" * 64)
        with pytest.raises(GgufFormatError):
            read_header(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_a_format_error(tail: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"GGUF" + struct.pack("<I", 3) + tail)
        file.flush()
        with contextlib.suppress(GgufFormatError):
            read_header(Path(file.name))


def test_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    file, memory, calls = tmp_path / "m.gguf", tmp_path / "hashes.json", []
    file.write_bytes(b"one")
    first = file_sha256(file, memory, lambda: calls.append(1))
    assert first == hashlib.sha256(b"one").hexdigest()
    assert file_sha256(file, memory, lambda: calls.append(1)) == first
    assert len(calls) == 1
    file.write_bytes(b"other")
    assert file_sha256(file, memory, lambda: None) == hashlib.sha256(b"other").hexdigest()
    memory.write_text("[damaged")
    assert file_sha256(file, memory, lambda: None) == hashlib.sha256(b"other").hexdigest()


def test_messages_survive_the_pipe() -> None:
    sampling = SamplingSpec(0.5, 1, 0.9, 0.1, None, 7, ("\n", "\ud800"))
    for command in (Generate(3, True, (LaneSpec("a", (("user", "h\ni\ud83d"),), sampling, "/x", 0.5),)), Cancel(3)):
        line = encode(command)
        assert line.count(b"\n") == 1
        assert decode_command(line) == command
    for event in (TextArrived(1, "a", "日\n"), TokensCounted(2, (1, 2))):
        assert decode_event(encode(event)) == event
