"""The first bytes of small files that were put a moment ago: most are judged by nothing else.

An aid, in the memory of one process: what is not known is read from the store.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from lockgate.artifacts.chunking import SMALL_FILE_BYTES_MAX
from lockgate.artifacts.store import Data

HEAD_BYTES: Final = 4096
HEADS_MAX: Final = 2_048


class Heads:
    """The heads of blobs that were verified and kept. Thread-safe."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, blobs: Iterable[tuple[str, Data]]) -> None:
        """Remember blobs that a store has just taken, as far as each may be a file by itself."""
        heads = {
            digest: bytes(data[:HEAD_BYTES])
            for digest, data in blobs
            if len(data) <= SMALL_FILE_BYTES_MAX
        }
        with self._lock:
            self._heads |= heads
            while len(self._heads) > HEADS_MAX:
                self._heads.popitem(last=False)

    def find(self, digest: str) -> bytes | None:
        """Return the first `HEAD_BYTES` of a blob, all of it if it has fewer, or None."""
        with self._lock:
            return self._heads.get(digest)
