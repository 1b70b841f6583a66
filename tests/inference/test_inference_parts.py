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

from studio.domain.generation import Priority
from studio.inference.file_identity import file_sha256
from studio.inference.gguf_header import GgufFormatError, read_header
from studio.inference.protocol import (
    AdapterSpec,
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
from studio.inference.sequence_cache import DEAR, Place, SequenceCache, common_prefix
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


LONG = list(range(100, 120))


def placed(cache: SequenceCache, prompt: list[int], *, interactive: bool = True) -> Place:
    """A place, with the whole prompt computed in it."""
    place = cache.place(prompt, interactive=interactive)
    assert place is not None
    place.sequence.tokens += prompt[place.shared :]
    return place


def test_a_prompt_begins_with_what_another_sequence_holds() -> None:
    cache = SequenceCache(4)
    first = placed(cache, [*LONG, 1, 1]).sequence
    second = placed(cache, [*LONG, 2, 2])
    assert (second.source, second.shared) == (first, len(LONG))
    assert second.sequence is not first
    assert second.sequence.tokens == [*LONG, 2, 2]


def test_a_few_shared_tokens_are_computed_again() -> None:
    cache = SequenceCache(4)
    placed(cache, [1, 2, 3])
    assert placed(cache, [1, 2, 4])[1:] == (None, 0)


def test_the_last_two_prompt_tokens_are_never_taken_from_memory() -> None:
    cache = SequenceCache(2)
    cache.keep(placed(cache, LONG).sequence)
    assert placed(cache, LONG).shared == len(LONG) - 2
    assert placed(cache, [LONG[0]]).shared == 0


def test_a_conversation_goes_on_in_its_own_sequence() -> None:
    cache = SequenceCache(4)
    first = placed(cache, LONG).sequence
    cache.keep(first)
    again = placed(cache, [*LONG[:15], 7])
    assert again.sequence is again.source is first
    assert first.tokens == [*LONG[:15], 7]


def test_lanes_at_work_lie_side_by_side() -> None:
    cache = SequenceCache(5)
    for number in range(5):
        cache.keep(placed(cache, [number]).sequence)
    ids = sorted(placed(cache, [10 + number]).sequence.id for number in range(3))
    assert ids == list(range(ids[0], ids[0] + 3)), "only neighbours are decoded in one batch"


def test_idle_work_leaves_alone_what_a_person_may_go_on_with() -> None:
    cache = SequenceCache(3)
    person = [placed(cache, [number]).sequence for number in range(2)]
    for sequence in person:
        cache.keep(sequence)
    idle = placed(cache, [10], interactive=False).sequence
    assert cache.place([11], interactive=False) is None
    cache.keep(idle)
    assert placed(cache, [11], interactive=False).sequence is idle
    assert [sequence.tokens for sequence in person] == [[0], [1]]


def test_a_person_takes_what_idle_work_left_before_their_own() -> None:
    cache = SequenceCache(2)
    cache.keep(placed(cache, [1]).sequence)
    idle = placed(cache, [2], interactive=False).sequence
    cache.keep(idle)
    assert placed(cache, [3]).sequence is idle
    assert placed(cache, [4]).sequence is not idle
    assert cache.place([5]) is None


def test_what_a_person_may_go_on_with_is_displaced_by_idle_work_only_if_it_is_next_to_nothing() -> None:
    cache = SequenceCache(1)
    cache.keep(placed(cache, LONG).sequence)
    assert cache.displaces([70, 80, 90], interactive=False)
    assert not cache.displaces([70, 80, 90]), "the user asked"


def test_only_a_long_conversation_of_a_persons_is_dear() -> None:
    cache = SequenceCache(1)
    held = placed(cache, list(range(DEAR))).sequence
    cache.keep(held)
    assert cache.displaces([7, 8, 9])
    assert not cache.displaces([*range(DEAR), 7, 8]), "it goes on"
    held.interactive = False
    assert not cache.displaces([7, 8, 9]), "left by idle work"
    assert not SequenceCache(1).displaces([7, 8, 9]), "there is room"


def test_idle_work_finds_a_place_where_all_are_a_persons() -> None:
    cache = SequenceCache(1)
    cache.keep(placed(cache, [1]).sequence)
    assert cache.place([2], interactive=False) is not None


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
    lane = LaneSpec("a", (("user", "h\ni\ud83d"),), sampling, (AdapterSpec("/x", 0.5),))
    for command in (Generate(3, Priority.READ_AHEAD, (lane,)), Cancel(3)):
        line = encode(command)
        assert line.count(b"\n") == 1
        assert decode_command(line) == command
    for event in (TextArrived(1, "a", "日\n"), TokensCounted(2, (1, 2))):
        assert decode_event(encode(event)) == event
