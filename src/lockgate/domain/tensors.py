"""The tensors of a safetensors or GGUF file: where each lies, read from the file's header alone.

    safetensors   8 bytes: length n, little endian │ n bytes of JSON │ the tensors, without a gap
    GGUF          "GGUF" │ version │ counts │ metadata │ tensor list │ the tensors, each aligned

A file is described only if every byte of it is accounted for. Anything else is refused with
InvalidInput, whose ``field`` is the format: a header that lies is how files that look harmless
make a reader run off their end.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from lockgate.errors import InvalidInput

# Returns the bytes from start to start + length; fewer only at the end of the file.
Read = Callable[[int, int], bytes]

SAFETENSORS_HEADER_BYTES_MAX: Final = 100_000_000
TENSORS_MAX: Final = 1_000_000
RANK_MAX: Final = 32
_EXTENT_MAX: Final = 2**53 - 1

_SAFETENSORS_BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorSlot:
    """A tensor at bytes ``start`` to ``start + size`` of its file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size: int


@dataclass(frozen=True)
class TensorLayout:
    """What a file's header says; ``tensors`` are in the order they lie in the file.

    ``data_start`` is the first byte after the header. ``strings`` are the header's texts by key,
    for whoever must judge them (a chat template is a program).
    """

    format: str
    data_start: int
    tensors: tuple[TensorSlot, ...]
    strings: dict[str, str]


def parse_safetensors(read: Read, size: int) -> TensorLayout:
    """Return the layout of a safetensors file of ``size`` bytes; InvalidInput when it is not one.

    Refused: a header beyond the file or over 100 MB, a key twice, an unknown dtype, a size that
    its shape does not have, tensors that overlap or leave a gap, bytes after the last one.
    """
    if size < 8:
        _refuse("safetensors", f"{size} bytes are too few")
    (length,) = struct.unpack("<Q", _exactly(read, 0, 8, "safetensors"))
    if length > SAFETENSORS_HEADER_BYTES_MAX:
        _refuse("safetensors", f"a header of {length} bytes is over 100 MB")
    if 8 + length > size:
        _refuse("safetensors", f"a header of {length} bytes does not fit into {size}")
    raw = _exactly(read, 8, length, "safetensors")
    if not raw.startswith(b"{"):
        _refuse("safetensors", "the header does not start with '{'")
    header = _load_header(raw)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        _refuse("safetensors", "__metadata__ is not a map of texts")
    if len(header) > TENSORS_MAX:
        _refuse("safetensors", f"{len(header)} tensors, more than {TENSORS_MAX}")
    data_start = 8 + length
    slots = [_safetensors_slot(name, entry, data_start) for name, entry in header.items()]
    slots.sort(key=lambda slot: (slot.start, slot.size))
    end = data_start
    for slot in slots:
        if slot.start != end:
            problem = "overlaps its neighbour" if slot.start < end else "leaves a gap before it"
            _refuse("safetensors", f"tensor {slot.name[:100]!r} {problem}")
        end += slot.size
    if end != size:
        _refuse("safetensors", f"the tensors end at byte {end}, the file at {size}")
    return TensorLayout("safetensors", data_start, tuple(slots), metadata)


def _load_header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(
            raw.decode(),
            object_pairs_hook=_unique_keys,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except RecursionError:
        _refuse("safetensors", "the header is nested too deeply")
    except ValueError as error:
        _refuse("safetensors", f"the header is not JSON: {str(error)[:200]}")
    if not isinstance(header, dict):
        _refuse("safetensors", "the header is not an object")
    return header


def _safetensors_slot(name: str, entry: Any, data_start: int) -> TensorSlot:
    what = f"tensor {name[:100]!r}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        _refuse("safetensors", f"{what} has not exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    bits = _SAFETENSORS_BITS.get(dtype) if isinstance(dtype, str) else None
    if bits is None:
        _refuse("safetensors", f"{what} has the unknown dtype {str(dtype)[:40]!r}")
    if not _are_counts(shape) or len(shape) > RANK_MAX:
        _refuse("safetensors", f"{what} has a shape out of range")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        _refuse("safetensors", f"{what} has no pair of rising offsets")
    start, size = offsets[0], offsets[1] - offsets[0]
    if math.prod(shape) * bits != size * 8:
        _refuse("safetensors", f"{what} has {size} bytes, which {dtype} {shape} has not")
    return TensorSlot(name, dtype, tuple(shape), data_start + start, size)


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value <= _EXTENT_MAX for value in values
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice")
    return members


def _no_number(text: str) -> Any:
    raise ValueError(f"{text[:40]} is not an integer")


def _exactly(read: Read, start: int, length: int, form: str) -> bytes:
    data = read(start, length)
    if len(data) != length:
        _refuse(form, f"the file ends before byte {start + length}")
    return data


def _refuse(form: str, problem: str) -> NoReturn:
    raise InvalidInput(detail=f"Not a valid {form} file: {problem}.", field=form)
