"""The digests of a file's tensors, hashed while its bytes go by."""

from __future__ import annotations

from typing import Any

from blake3 import blake3

from lockgate.domain.manifests import TensorEntry
from lockgate.domain.tensors import TensorLayout


class TensorDigests:
    """Hashes the tensors of a file as its bytes go by, from first to last."""

    def __init__(self, layout: TensorLayout | None) -> None:
        self._layout = layout
        self._digests: list[str] = []
        self._hasher: Any = None

    def feed(self, start: int, data: bytes) -> None:
        """Take the bytes that follow those taken before."""
        if self._layout is None:
            return
        view = memoryview(data)
        end = start + len(data)
        while len(self._digests) < len(self._layout.tensors):
            slot = self._layout.tensors[len(self._digests)]
            slot_end = slot.start + slot.size
            if slot.start >= end and not slot_end == slot.start == end:
                break
            piece = view[max(0, slot.start - start) : max(0, slot_end - start)]
            if self._hasher is None:
                self._hasher = blake3()
            self._hasher.update(piece)
            if slot_end > end:
                break
            self._digests.append(f"blake3:{self._hasher.hexdigest()}")
            self._hasher = None

    def entries(self) -> tuple[TensorEntry, ...] | None:
        """Return the tensors, once all bytes have been fed; None for a file without any known."""
        if self._layout is None:
            return None
        return tuple(
            TensorEntry(slot.name, slot.dtype, slot.shape, slot.start, slot.size, digest)
            for slot, digest in zip(self._layout.tensors, self._digests, strict=True)
        )
