"""Many blobs in one body, so that a thousand small files cost a few requests.

    to the server     (32 bytes: BLAKE3 of the blob) (4 bytes: its length) (the blob) …
    from the server   (4 bytes: the length) (the blob) …                   in the order asked
                      (FF FF FF FF) (4 bytes: a length) (a problem, JSON)  instead of what failed

Lengths are big endian. A body has at most `BATCH_BYTES_MAX` bytes and `BATCH_BLOBS_MAX` blobs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

from lockgate.artifacts.store import BLOB_BYTES_MAX, Data
from lockgate.domain.digests import digest_hex
from lockgate.errors import InvalidInput, LimitExceeded
from lockgate.wire.problems import error_of

MEDIA_TYPE: Final = "application/vnd.lockgate.blobs"
BATCH_BLOBS_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = BLOB_BYTES_MAX + 2**16
_HEAD: Final = struct.Struct(">32sI")
_LENGTH: Final = struct.Struct(">I")
_PROBLEM: Final = 0xFFFFFFFF


def pack_blobs(blobs: Sequence[tuple[str, Data]]) -> list[Data]:
    """Return the pieces of the body that carries blobs to the server."""
    pieces: list[Data] = []
    for digest, data in blobs:
        pieces.append(_HEAD.pack(bytes.fromhex(digest_hex(digest, "blake3")), len(data)))
        pieces.append(data)
    return pieces


def unpack_blobs(body: bytes | bytearray | memoryview) -> list[tuple[str, memoryview]]:
    """Return the blobs that a body carries to the server, not yet verified. `InvalidInput`."""
    view = memoryview(body).toreadonly()
    blobs: list[tuple[str, memoryview]] = []
    at = 0
    while at < len(view):
        if len(view) - at < _HEAD.size:
            raise _broken(len(blobs))
        digest, length = _HEAD.unpack_from(view, at)
        at += _HEAD.size
        if length > len(view) - at:
            raise _broken(len(blobs))
        blobs.append((f"blake3:{digest.hex()}", view[at : at + length]))
        at += length
        if len(blobs) > BATCH_BLOBS_MAX:
            raise LimitExceeded(
                what="The number of blobs in a body", observed=len(blobs), limit=BATCH_BLOBS_MAX
            )
    return blobs


def frame(data: bytes) -> list[bytes]:
    """Return the pieces that carry one blob from the server."""
    return [_LENGTH.pack(len(data)), data]


def problem_frame(problem: dict[str, Any]) -> list[bytes]:
    """Return the pieces that say, in place of a blob, why there is none."""
    text = json.dumps(problem, default=str).encode()
    return [_LENGTH.pack(_PROBLEM), _LENGTH.pack(len(text)), text]


def read_frames(body: bytes | bytearray) -> Iterator[memoryview]:
    """Yield the blobs that a body carries from the server, not yet verified.

    Raises the error that the server put in place of one, `InvalidInput` for a broken body.
    """
    view = memoryview(body).toreadonly()
    at = count = 0
    while at < len(view):
        length, at = _length(view, at, count)
        if length == _PROBLEM:
            length, at = _length(view, at, count)
            raise error_of(json.loads(bytes(view[at : at + length])))
        if length > len(view) - at:
            raise _broken(count)
        yield view[at : at + length]
        at += length
        count += 1


def _length(view: memoryview, at: int, count: int) -> tuple[int, int]:
    if len(view) - at < _LENGTH.size:
        raise _broken(count)
    (length,) = _LENGTH.unpack_from(view, at)
    return length, at + _LENGTH.size


def _broken(count: int) -> InvalidInput:
    return InvalidInput(detail=f"The body ends within blob {count + 1}; it is not whole.")
