"""What is in a repository already, so that a client need not send it again.

A client compares the id that it is told of the file at a path with that of its own file: the
SHA-256 of one that it would upload by LFS, git's SHA-1 of one that it would send in the commit.
We keep no SHA-1. It is made of what is stored when size and first bytes are the same, which is when
the whole most likely is; a file that is told no id is sent, and that is never wrong.
"""

from __future__ import annotations

import hashlib

from lockgate.domain.manifests import FileEntry
from lockgate.services.depot import Depot
from lockgate.services.downloads import FileRange, read_range

SAMPLE_BYTES_MAX = 512
HASHED_BYTES_MAX = 2**30
"""How much is read to answer one question."""


class Ids:
    """Hands out git's ids of stored files, until `HASHED_BYTES_MAX` were read for them."""

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self._left = HASHED_BYTES_MAX

    def find(self, file: FileEntry, sample: bytes) -> str | None:
        """Return the id of a file that begins with ``sample``; None for one that does not."""
        if not self._begins(file, sample) or file.size > self._left:
            return None
        self._left -= file.size
        hashed = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
        for piece in read_range(self._depot, FileRange(file, 0, file.size)):
            hashed.update(piece)
        return hashed.hexdigest()

    def _begins(self, file: FileEntry, sample: bytes) -> bool:
        part = FileRange(file, 0, min(len(sample), SAMPLE_BYTES_MAX, file.size))
        return b"".join(read_range(self._depot, part)) == sample[: part.length]
