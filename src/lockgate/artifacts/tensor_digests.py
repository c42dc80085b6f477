"""The digests of a file's tensors, taken while its bytes go by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from blake3 import blake3

from lockgate.domain.manifests import Chunk, TensorEntry
from lockgate.domain.tensors import TensorLayout, TensorSlot


class TensorDigests:
    """Hashes the tensors of a file as its bytes go by, from first to last.

    A tensor that is a chunk of its own, as most are, is left to whoever hashes the chunks.
    """

    def __init__(self, layout: TensorLayout | None, cuts: Iterable[int]) -> None:
        """``cuts`` are the sizes of the file's chunks; not looked at when there is no layout."""
        self._layout = layout
        self._starts: list[int] = []
        self._slots: list[TensorSlot] = []
        if layout is not None:
            sizes = list(cuts)
            self._starts = list(accumulate(sizes, initial=0))
            whole = set(zip(self._starts, sizes, strict=False))
            self._slots = [each for each in layout.tensors if (each.start, each.size) not in whole]
        self._digests: list[str] = []
        self._hasher: Any = None

    @property
    def is_wanting(self) -> bool:
        """Whether there are tensors whose bytes have not all been fed."""
        return len(self._digests) < len(self._slots)

    def feed_all(self, start: int, pieces: Iterable[memoryview]) -> None:
        """Take pieces that follow those taken before, and each other."""
        for piece in pieces:
            self.feed(start, piece)
            start += len(piece)

    def feed(self, start: int, data: bytes | memoryview) -> None:
        """Take the bytes that follow those taken before."""
        view = memoryview(data)
        end = start + len(data)
        while len(self._digests) < len(self._slots):
            slot = self._slots[len(self._digests)]
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

    def known(self) -> dict[tuple[int, int], str]:
        """Return the digests taken so far, by start and size: not those that chunks have."""
        slots = ((slot.start, slot.size) for slot in self._slots)
        return dict(zip(slots, self._digests, strict=False))

    def entries(self, chunks: Sequence[Chunk]) -> tuple[TensorEntry, ...] | None:
        """Return the tensors, once all bytes have been fed; None for a file without any known."""
        if self._layout is None:
            return None
        digests = {
            (start, chunk.size): chunk.digest
            for start, chunk in zip(self._starts, chunks, strict=False)
        }
        for slot, digest in zip(self._slots, self._digests, strict=True):
            digests[slot.start, slot.size] = digest
        return tuple(
            TensorEntry(
                slot.name, slot.dtype, slot.shape, slot.start, slot.size,
                digests[slot.start, slot.size],
            )
            for slot in self._layout.tensors
        )  # fmt: skip
