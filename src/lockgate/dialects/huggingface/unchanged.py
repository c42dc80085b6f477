"""What is in a repository already, so that a client need not send it again.

A client compares the id that it is told of the file at a path with that of its own file: the
SHA-256 of one that it would upload by LFS, git's SHA-1 of one that it would send in the commit.
We keep no SHA-1. It is made of what is stored when size and first bytes are the same, which is when
the whole most likely is. A file that is told no id is sent: that is never wrong, and what would
take longer than a client waits for its answer is told none.
"""

from __future__ import annotations

import hashlib
import time

from lockgate.domain.manifests import FileEntry
from lockgate.services.depot import Depot
from lockgate.services.downloads import FileRange, read_range

HASHED_BYTES_MAX = 2**27
HASHED_S_MAX = 2.0
"""Of ten seconds that a client waits."""


class Ids:
    """Hands out git's ids of stored files while one question is answered."""

    def __init__(
        self, depot: Depot, bytes_max: int = HASHED_BYTES_MAX, s_max: float = HASHED_S_MAX
    ) -> None:
        self._depot = depot
        self._bytes_left = bytes_max
        self._until = time.monotonic() + s_max

    def find(self, file: FileEntry, sample: bytes) -> str | None:
        """Return the id of a file that begins with ``sample``; None for one that does not."""
        if file.size > self._bytes_left or time.monotonic() >= self._until:
            return None
        hashed = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
        for number, piece in enumerate(read_range(self._depot, FileRange(file, 0, file.size))):
            if number == 0 and piece[: len(sample)] != sample[: len(piece)]:
                return None
            hashed.update(piece)
        self._bytes_left -= file.size
        return hashed.hexdigest()
