"""The tensors of a GGUF file, read from its header with every count bounded before it is used.

"GGUF" │ version u32 │ tensors u64 │ pairs u64 │ pairs: key, type, value │
tensors: name, rank u32, extents u64…, type u32, offset u64 │ padding │ the tensors' bytes
"""

from __future__ import annotations

import math
import struct
from typing import Final, NoReturn

from lockgate.domain.tensors import TENSORS_MAX, Read, TensorLayout, TensorSlot
from lockgate.errors import InvalidInput

HEADER_BYTES_MAX: Final = 64 * 2**20
PAIRS_MAX: Final = 65_536
TEXT_BYTES_MAX: Final = 16 * 2**20
ARRAY_ITEMS_MAX: Final = 8 * 2**20
_RANK_MAX: Final = 8
_WINDOW_BYTES: Final = 2**20
_ALIGNMENT_DEFAULT: Final = 32
_ALIGNMENT_MAX: Final = 2**16

_TEXT, _ARRAY = 8, 9
# Metadata type → bytes of one value (0: u8 … 12: f64).
_VALUE_BYTES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

# Tensor type → name, values in a block, bytes of a block.
_BLOCKS: Final = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip


def parse_gguf(read: Read, size: int) -> TensorLayout:
    """Return the layout of a GGUF file of ``size`` bytes; InvalidInput when it is not one.

    Refused: versions other than 2 and 3 (little endian), counts and lengths over their bounds, an
    unknown tensor type, a tensor that is misaligned, overlaps, leaves more than padding before it
    or runs past the end, padding that is not zero, bytes after the last tensor.
    """
    cursor = _Cursor(read, size)
    if cursor.take(4) != b"GGUF":
        _refuse("it does not start with 'GGUF'")
    version = cursor.u32()
    if version not in (2, 3):
        _refuse(f"version {version} is not 2 or 3 (little endian)")
    tensors = cursor.count(TENSORS_MAX, "tensors")
    pairs = cursor.count(PAIRS_MAX, "metadata pairs")
    strings: dict[str, str] = {}
    keys: set[str] = set()
    alignment = _ALIGNMENT_DEFAULT
    for _ in range(pairs):
        key = cursor.text(65_535)
        if key in keys:
            _refuse(f"the key {key[:100]!r} occurs twice")
        keys.add(key)
        kind = cursor.u32()
        if key == "general.alignment":
            alignment = _alignment(kind, cursor)
        elif kind == _TEXT:
            strings[key] = cursor.text(TEXT_BYTES_MAX)
        else:
            _skip_value(kind, cursor, depth=0)
    listed = [_tensor(cursor) for _ in range(tensors)]
    if len({slot.name for slot in listed}) != len(listed):
        _refuse("a tensor's name occurs twice")
    data_start = _aligned(cursor.position, alignment)
    slots = _placed(listed, data_start, alignment)
    _check_padding(read, size, cursor.position, slots, alignment)
    return TensorLayout("gguf", data_start, slots, strings)


def _alignment(kind: int, cursor: _Cursor) -> int:
    value = cursor.u32() if kind == 4 else 0
    if not 1 <= value <= _ALIGNMENT_MAX or value & (value - 1):
        _refuse(f"general.alignment is not a power of two up to {_ALIGNMENT_MAX}")
    return value


def _skip_value(kind: int, cursor: _Cursor, depth: int) -> None:
    if kind in _VALUE_BYTES:
        cursor.skip(_VALUE_BYTES[kind])
    elif kind == _TEXT:
        cursor.skip(cursor.count(TEXT_BYTES_MAX, "bytes in a text"))
    elif kind == _ARRAY and depth == 0:
        item = cursor.u32()
        length = cursor.count(ARRAY_ITEMS_MAX, "items in an array")
        if item in _VALUE_BYTES:
            cursor.skip(_VALUE_BYTES[item] * length)
        else:
            for _ in range(length):
                _skip_value(item, cursor, depth + 1)
    else:
        _refuse(f"a metadata value has the unknown type {kind} (or is an array in an array)")


def _tensor(cursor: _Cursor) -> TensorSlot:
    """Read one line of the tensor list; ``start`` counts from the data's start for now."""
    name = cursor.text(1024)
    rank = cursor.u32()
    if not name or rank > _RANK_MAX:
        _refuse(f"tensor {name[:100]!r} has no name or more than {_RANK_MAX} dimensions")
    extents = [cursor.count(2**48, "extents") for _ in range(rank)]
    block = _BLOCKS.get(cursor.u32())
    start = cursor.count(2**60, "bytes of offset")
    if block is None:
        _refuse(f"tensor {name[:100]!r} has an unknown type")
    dtype, values, block_bytes = block
    row = extents[0] if extents else 1
    if row % values:
        _refuse(f"tensor {name[:100]!r}: rows of {row} values do not fill blocks of {values}")
    size = math.prod(extents) // values * block_bytes
    return TensorSlot(name, dtype, tuple(reversed(extents)), start, size)


def _placed(listed: list[TensorSlot], data_start: int, alignment: int) -> tuple[TensorSlot, ...]:
    """Return the slots by their place in the file; each must follow its neighbour's padding."""
    slots = []
    end = 0
    for slot in sorted(listed, key=lambda slot: (slot.start, slot.size)):
        if slot.start != _aligned(end, alignment):
            problem = "overlaps its neighbour" if slot.start < end else "is not where it belongs"
            _refuse(f"tensor {slot.name[:100]!r} {problem}")
        end = slot.start + slot.size
        slots.append(
            TensorSlot(slot.name, slot.dtype, slot.shape, data_start + slot.start, slot.size)
        )
    return tuple(slots)


def _check_padding(
    read: Read, size: int, header_end: int, slots: tuple[TensorSlot, ...], alignment: int
) -> None:
    ends = [header_end, *(slot.start + slot.size for slot in slots)]
    last = ends[-1]
    if size not in (last, _aligned(last, alignment)):
        _refuse(f"the tensors end at byte {last}, the file at {size}")
    for end in ends:
        length = min(_aligned(end, alignment), size) - end
        if length > 0 and read(end, length) != bytes(length):
            _refuse(f"the padding at byte {end} is not zero")


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


class _Cursor:
    """Reads a header forward through a window, never past the file or the header's limit."""

    def __init__(self, read: Read, size: int) -> None:
        self.position = 0
        self._read = read
        self._end = min(size, HEADER_BYTES_MAX)
        self._window = b""
        self._window_start = 0

    def take(self, length: int) -> bytes:
        self._require(length)
        offset = self.position - self._window_start
        if offset < 0 or offset + length > len(self._window):
            wanted = min(max(length, _WINDOW_BYTES), self._end - self.position)
            self._window = self._read(self.position, wanted)
            self._window_start, offset = self.position, 0
            if len(self._window) < length:
                _refuse(f"the file ends before byte {self.position + length}")
        self.position += length
        return self._window[offset : offset + length]

    def skip(self, length: int) -> None:
        self._require(length)
        self.position += length

    def u32(self) -> int:
        value: int = struct.unpack("<I", self.take(4))[0]
        return value

    def count(self, most: int, what: str) -> int:
        value: int = struct.unpack("<Q", self.take(8))[0]
        if value > most:
            _refuse(f"{value} {what}, more than {most}")
        return value

    def text(self, bytes_max: int) -> str:
        raw = self.take(self.count(bytes_max, "bytes in a text"))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            _refuse("a text is not UTF-8")

    def _require(self, length: int) -> None:
        if self.position + length > self._end:
            _refuse(f"the header runs past byte {self._end}")


def _refuse(problem: str) -> NoReturn:
    raise InvalidInput(detail=f"Not a valid gguf file: {problem}.", field="gguf")
