"""How far tensors moved between two versions: reads those that changed, and only those."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from lockgate.artifacts.proof import chunk_reader
from lockgate.domain.differences import Difference, TensorDifference
from lockgate.domain.manifests import Manifest, TensorEntry

if TYPE_CHECKING:
    import numpy as np

# Widths of the dtypes that are read; tensors of others are left out.
_NUMPY: Final[Mapping[str, str]] = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1",
}  # fmt: skip
_PIECE_BYTES: Final = 4 * 2**20

ReadBlob = Callable[[str], bytes]


def tensor_moves(
    before: Manifest,
    after: Manifest,
    changed: tuple[TensorDifference, ...],
    read_before: ReadBlob,
    read_after: ReadBlob,
) -> dict[str, float]:
    """Return ‖after - before‖ / ‖before‖ of each tensor that changed in place, by name.

    A tensor that was zero and is not any more moved infinitely far. Holds a few chunks in memory.
    """
    moves: dict[str, float] = {}
    one, two = _Tensors(before, read_before), _Tensors(after, read_after)
    for each in changed:
        old, new = each.before, each.after
        if each.kind is not Difference.CHANGED or old is None or new is None:
            continue
        if old.dtype in _NUMPY and old.size == new.size:
            moves[each.name] = _move(
                one, each.path_before or "", old, two, each.path_after or "", new
            )
    return moves


def _move(
    one: _Tensors, path: str, old: TensorEntry, two: _Tensors, new_path: str, new: TensorEntry
) -> float:
    moved = norm = 0.0
    for at in range(0, old.size, _PIECE_BYTES):
        length = min(_PIECE_BYTES, old.size - at)
        a = one.read(path, old.dtype, old.start + at, length)
        b = two.read(new_path, new.dtype, new.start + at, length)
        difference = b - a
        moved += float(difference @ difference)
        norm += float(a @ a)
    if norm == 0:
        return math.inf if moved else 0.0
    return math.sqrt(moved / norm)


class _Tensors:
    """The tensors of a version, read in pieces as 64-bit floats."""

    def __init__(self, manifest: Manifest, read_blob: ReadBlob) -> None:
        self._files = {file.path: file for file in manifest.files}
        self._read = chunk_reader(read_blob)

    def read(self, path: str, dtype: str, start: int, length: int) -> np.ndarray[Any, Any]:
        import numpy as np

        raw = np.frombuffer(self._read(self._files[path], start, length), _NUMPY[dtype])
        if dtype == "BF16":
            # The upper half of a 32-bit float.
            raw = (raw.astype("<u4") << 16).view("<f4")
        return raw.astype("<f8")
