"""Sending chunks: ask what lacks, put that, count it, and say of what file it is a part."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lockgate.artifacts.passing import FILES, Part
from lockgate.artifacts.store import Data, HashedBlob


class Sink(Protocol):
    """Where chunks go: a `BlobStore`, or a client that speaks to one. Called from several threads.

    A batch has at most 128 blobs and 8 MiB (or one blob that is larger); a question at most 1000.
    """

    def missing(self, digests: Collection[str]) -> set[str]: ...

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None: ...


@runtime_checkable
class PartSink(Sink, Protocol):
    """A sink that somebody else stands behind, who hashes whole files as their parts come."""

    def put_part(self, blobs: Sequence[tuple[str, Data]], part: Part) -> None:
        """Put blobs that are a part of a file, or files by themselves (`FILES`)."""


@dataclass(frozen=True, slots=True)
class PushProgress:
    """How far a push is; ``bytes_sent`` counts what the store did not have."""

    bytes_done: int
    bytes_total: int
    bytes_sent: int


class Sender:
    """What sends the chunks of a push, and counts them. Thread-safe."""

    def __init__(
        self, sink: Sink, bytes_total: int, on_progress: Callable[[PushProgress], None] | None
    ) -> None:
        self.bytes_sent = 0
        self.chunks_sent = 0
        self.sink = sink
        self._parts = sink if isinstance(sink, PartSink) else None
        # Files of which something is not sent: who hashes what comes cannot hash these.
        self._broken: set[str] = set()
        self._bytes_total = bytes_total
        self._bytes_done = 0
        self._on_progress = on_progress
        self._lock = threading.Lock()

    def send(self, blobs: Sequence[HashedBlob], part: Part) -> None:
        """Send what the sink lacks of blobs which together are that part of a file."""
        distinct = {blob.digest: blob for blob in blobs if blob.data}
        lacking = self.sink.missing(list(distinct)) if distinct else set()
        to_send = [blob for digest, blob in distinct.items() if digest in lacking]
        if part != FILES and len(to_send) != len(blobs):
            self._broken.add(part.upload)
        if self._parts is not None and to_send and part.upload not in self._broken:
            self._parts.put_part(to_send, part)
        elif to_send:
            self.sink.put_many(to_send)
        bytes_done = sum(len(blob.data) for blob in blobs)
        self.advance(bytes_done, sum(len(blob.data) for blob in to_send), len(to_send))

    def advance(self, bytes_done: int, bytes_sent: int, chunks_sent: int) -> None:
        """Count, and tell whoever wants to know."""
        with self._lock:
            self._bytes_done += bytes_done
            self.bytes_sent += bytes_sent
            self.chunks_sent += chunks_sent
            if self._on_progress:
                self._on_progress(
                    PushProgress(self._bytes_done, self._bytes_total, self.bytes_sent)
                )
