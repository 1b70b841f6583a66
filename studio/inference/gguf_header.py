"""Reads just enough of a GGUF file to refuse a bad one in words before native code sees it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Every count is held against the size of
the file before it is believed, so a hostile header costs no more memory or time than its own bytes.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_MAX_DIMENSIONS = 4
_MAX_DEPTH = 4
# Elements and bytes per block by ggml type; types not listed are not measured.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 16: (256, 66), 17: (256, 74), 18: (256, 98),
    19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4),
    27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip

Scalar = str | int | float | bool


class GgufFormatError(Exception):
    """The file is not what a GGUF must be; the message says in what."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Scalar metadata (arrays are skipped), the size the file must have for its tensors to be whole, their numbers."""

    metadata: dict[str, Scalar] = field(default_factory=dict)
    needed_bytes: int = 0
    file_bytes: int = 0
    parameters: int = 0
    read_bytes: dict[int, int] = field(default_factory=dict)
    """What one token reads of the weights, by ggml type: of experts those that it is sent to, of an embedding that is
    not also the output matrix nothing to speak of."""
    read_rows: int = 0

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    @property
    def is_adapter(self) -> bool:
        return self.metadata.get("general.type") == "adapter"

    @property
    def is_truncated(self) -> bool:
        return self.file_bytes < self.needed_bytes

    @property
    def only_embeds(self) -> bool:
        """An encoder or pooling model: it yields vectors, not text."""
        architecture = self.architecture
        return (
            "bert" in architecture
            or architecture in ("t5encoder", "gemma-embedding")
            or self.metadata.get(f"{architecture}.attention.causal") is False
            or bool(self.metadata.get(f"{architecture}.pooling_type"))
        )


def read_header(path: Path) -> GgufHeader:
    """Raises GgufFormatError, or OSError where the file cannot be read."""
    with path.open("rb") as file:
        start = file.read(4)
        if start != _MAGIC:
            raise GgufFormatError("it does not begin as a GGUF does" if start else "it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _Reader(data).header()
            except (struct.error, UnicodeDecodeError, OverflowError) as error:
                raise GgufFormatError("its header is cut short or damaged") from error


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._size = len(data)
        self._at = 4

    def header(self) -> GgufHeader:
        version = self._scalar("<I")
        if version not in _VERSIONS:
            raise GgufFormatError(f"it is of GGUF version {version}; versions 2 and 3 are known")
        tensors, pairs = self._count(smallest_item=24), self._count(smallest_item=13)
        metadata: dict[str, Scalar] = {}
        for _ in range(pairs):
            key = self._string()
            value = self._value(int(self._scalar("<I")))
            if value is not None:
                metadata[key] = value
        read = _Read(metadata)
        ends = [self._tensor_end(read) for _ in range(tensors)]
        end = max((end for end, _ in ends), default=0)
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0:
            raise GgufFormatError("its alignment makes no sense")
        data_start = -(-self._at // alignment) * alignment
        read.finish()
        return GgufHeader(
            metadata,
            data_start + end if tensors else 0,
            self._size,
            sum(count for _, count in ends),
            read.bytes,
            read.rows,
        )

    def _scalar(self, format_: str) -> int | float | bool:
        (value,) = struct.unpack_from(format_, self._data, self._at)
        self._at += struct.calcsize(format_)
        return value  # type: ignore[no-any-return]

    def _count(self, smallest_item: int) -> int:
        number = int(self._scalar("<Q"))
        if number * smallest_item > self._size - self._at:
            raise GgufFormatError("it claims more entries than the file can hold: it is cut short or damaged")
        return number

    def _string(self) -> str:
        length = self._count(smallest_item=1)
        raw = self._data[self._at : self._at + length]
        self._at += length
        return raw.decode("utf-8", "replace")

    def _skip(self, length: int) -> None:
        self._at += length

    def _value(self, kind: int, depth: int = 0) -> Scalar | None:
        """A scalar or string; arrays are passed over and give None."""
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            self._skip_array(depth)
            return None
        if kind not in _SCALARS:
            raise GgufFormatError(f"it holds metadata of the unknown kind {kind}")
        return self._scalar(_SCALARS[kind])

    def _skip_array(self, depth: int) -> None:
        if depth >= _MAX_DEPTH:
            raise GgufFormatError("its metadata is nested too deeply")
        kind = int(self._scalar("<I"))
        if kind in _SCALARS:
            width = struct.calcsize(_SCALARS[kind])
            self._skip(width * self._count(smallest_item=width))
            return
        number = self._count(smallest_item=8)
        if kind == _STRING:
            self._skip_strings(number)
            return
        for _ in range(number):
            self._value(kind, depth + 1)

    def _skip_strings(self, number: int) -> None:
        """A vocabulary: hundreds of thousands of them, so each costs as little as can be."""
        at, data, size, length_at = self._at, self._data, self._size, struct.Struct("<Q").unpack_from
        for _ in range(number):
            at += 8 + length_at(data, at)[0]
            if at > size:
                raise GgufFormatError("it claims more entries than the file can hold: it is cut short or damaged")
        self._at = at

    def _tensor_end(self, read: _Read) -> tuple[int, int]:
        """Where this tensor's data ends, from the start of the data section, and how many numbers it holds."""
        name = self._string()
        dimensions = int(self._scalar("<I"))
        if dimensions > _MAX_DIMENSIONS:
            raise GgufFormatError("a tensor has more than four dimensions")
        width = elements = 1
        for number in range(dimensions):
            size = int(self._scalar("<Q"))
            width = size if number == 0 else width
            elements *= size
        kind, offset = int(self._scalar("<I")), int(self._scalar("<Q"))
        per_block, block_bytes = BLOCKS.get(kind, (1, 0))
        length = elements // per_block * block_bytes
        if length:
            read.add(name, kind, length, elements // width if width else 0)
        return offset + length, elements


class _Read:
    """Adds up what one token reads, tensor by tensor. Every field is bounded, however many tensors there are."""

    def __init__(self, metadata: dict[str, Scalar]) -> None:
        self.bytes: dict[int, int] = {}
        self.rows = 0
        architecture = metadata.get("general.architecture", "")
        used, there = (metadata.get(f"{architecture}.expert_{what}", 0) for what in ("used_count", "count"))
        self._share = 1.0
        if isinstance(used, int) and isinstance(there, int) and 0 < used < there:
            self._share = used / there
        self._embedding: tuple[int, int, int] | None = None
        self._has_output = False

    def add(self, name: str, kind: int, length: int, rows: int) -> None:
        if name == "token_embd.weight":
            self._embedding = kind, length, rows
            return
        self._has_output = self._has_output or name == "output.weight"
        share = self._share if "_exps." in name else 1.0
        self._count(kind, int(length * share), int(rows * share))

    def finish(self) -> None:
        """Where there is no output matrix, the embedding is it."""
        if self._embedding is not None and not self._has_output:
            self._count(*self._embedding)

    def _count(self, kind: int, length: int, rows: int) -> None:
        self.bytes[kind] = self.bytes.get(kind, 0) + length
        self.rows += rows
