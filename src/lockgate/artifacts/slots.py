"""Memory for a batch of chunks: each begins at a page, so that it can go to the disk from there."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from typing import Final

from lockgate.artifacts.batches import BATCH_BYTES, BATCH_CHUNKS_MAX

SLOTS_BYTES: Final = BATCH_BYTES + BATCH_CHUNKS_MAX * mmap.PAGESIZE


class Slots:
    """Room for one batch, used again and again: fresh memory has to be cleared first."""

    def __init__(self) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._memory = memoryview(mmap.mmap(-1, SLOTS_BYTES, flags=flags))

    def places(self, sizes: Iterable[int]) -> list[memoryview]:
        """Return a place for each chunk of a batch; those given out before are no longer valid."""
        places: list[memoryview] = []
        start = 0
        for size in sizes:
            places.append(self._memory[start : start + size])
            start += -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        return places
