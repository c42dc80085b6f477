"""Bytes received, with a digest for every piece, so that an heir can trust them and go on.

A journal's first line says which bytes these are (the source file's size, digest and version);
each further line is the length and BLAKE3 of one piece, in order, written after the piece itself.
Whatever a crash leaves, the pieces that still match their lines are good.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blake3 import blake3

from lockgate.coordination.providers import SourceFile

__all__ = ["PIECE_BYTES", "Receiving", "verified_pieces"]

PIECE_BYTES = 4 << 20
LINE_BYTES_MAX = 200_000


class Receiving:
    """One file on its way in: append pieces, then close. Digests are kept along the way."""

    def __init__(self, partial: Path, journal: Path, file: SourceFile) -> None:
        """Begin with no bytes. Raises FileNotFoundError when the folders are gone."""
        self.sha256 = hashlib.sha256()
        self.size = 0
        self._out = partial.open("wb", buffering=0)
        try:
            self._journal = journal.open("wb", buffering=0)
        except OSError:
            self._out.close()
            raise
        self._journal.write(_identity(file) + b"\n")

    def append(self, piece: bytes) -> None:
        """Write a piece, then the line that vouches for it."""
        view = memoryview(piece)
        while view:
            view = view[self._out.write(view) :]
        self.sha256.update(piece)
        self.size += len(piece)
        self._journal.write(f"{len(piece)} {blake3(piece).hexdigest()}\n".encode())

    def close(self, *, durable: bool) -> None:
        """Close both files; ``durable`` has the bytes survive a loss of power."""
        try:
            if durable:
                os.fsync(self._out.fileno())
        finally:
            self._out.close()
            self._journal.close()


def verified_pieces(content: Path, journal: Path, file: SourceFile) -> Iterator[bytes]:
    """Yield the pieces of an earlier download of these same bytes, as long as they are good."""
    try:
        with content.open("rb") as source, journal.open("rb") as lines:
            if lines.readline(LINE_BYTES_MAX) != _identity(file) + b"\n":
                return
            while line := lines.readline(LINE_BYTES_MAX):
                length, _, digest = line.decode("ascii", "replace").strip().partition(" ")
                if not length.isdecimal() or int(length) > PIECE_BYTES:
                    return
                piece = source.read(int(length))
                if len(piece) != int(length) or blake3(piece).hexdigest() != digest:
                    return
                yield piece
    except FileNotFoundError:
        return


def _identity(file: SourceFile) -> bytes:
    known: list[Any] = [file.size, file.sha256, file.version]
    return json.dumps(known).encode()
