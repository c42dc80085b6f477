"""Files hashed while their chunks go by, so that whoever seals them need not read them again.

    batch 1 ──► kept ──► hashed ─┐
    batch 2 ──► kept ────────────┴► hashed ─┐        in the order of the file, whatever the order
    batch 3 ──► kept ──── waits ────────────┴► …     in which they came

An aid, in the memory of one process: whatever is not known (a chunk that was there before, a batch
that never came, a restart, another process) is read and hashed at the seal. What is known was
computed here from bytes that were verified and kept; nothing hangs on what a client says of them.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lockgate.artifacts.chunking import cut_sizes, find_layout
from lockgate.artifacts.store import Data
from lockgate.artifacts.tensor_digests import TensorDigests
from lockgate.artifacts.verification import unproved_tensors
from lockgate.domain.files import content_key, content_line
from lockgate.domain.manifests import FileEntry

UPLOADS_MAX: Final = 16
HEAD_BYTES_MAX: Final = 2 * 2**20
TENSOR_FILE_BYTES_MAX: Final = 2**40
"""Beyond these, what is said of a file's tensors is looked at when it is sealed."""
KNOWN_MAX: Final = 20_000
TENSORS_KNOWN_MAX: Final = 100_000
"""Of how many tensors, of all files together, a digest is kept."""
PATIENCE_S: Final = 0.25
"""How long a batch waits for the one before it, when that is not even on its way."""

Keep = Callable[[Sequence[tuple[str, Data]]], None]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a file a batch of chunks is: all that lies there, from ``start`` on.

    ``upload`` is a name that the sender makes up for this file's journey; ``size`` is the file's.
    """

    upload: str
    start: int
    size: int


FILES: Final = Part("", 0, 0)
"""Said of blobs each of which is a file by itself."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was computed of a content."""

    sha256: str
    tensors: Mapping[tuple[int, int], str]


class PassingHashes:
    """The hashes of files whose chunks were put through here. Thread-safe."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._uploads: OrderedDict[str, _Upload] = OrderedDict()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._tensors_known = 0
        self._lock = threading.Lock()

    def keep(self, blobs: Sequence[tuple[str, Data]], part: Part | None, keep: Keep) -> None:
        """Have ``keep`` keep blobs, each verified; then hash them as the part that they are.

        Raises what ``keep`` raises, and nothing else.
        """
        if part is None or part == FILES:
            keep(blobs)
            if part == FILES:
                self._note_files(blobs)
            return
        upload = self._upload(part)
        upload.enter(part.start)
        try:
            keep(blobs)
            upload.take(part.start, blobs, self._patience_s)
        except BaseException:
            upload.lose()
            raise
        finally:
            upload.leave(part.start)
        if upload.is_whole:
            self._note(upload.key, upload.known())

    def vouch(self, file: FileEntry) -> bool:
        """Tell whether all that is said of a file was computed here, and is so."""
        with self._lock:
            known = self._known.get(content_key(file))
        return (
            known is not None
            and known.sha256 == file.sha256
            and all(
                known.tensors.get((each.start, each.size)) == each.digest
                for each in unproved_tensors(file)
            )
        )

    def _upload(self, part: Part) -> _Upload:
        with self._lock:
            upload = self._uploads.setdefault(part.upload, _Upload(part.size))
            self._uploads.move_to_end(part.upload)
            if len(self._uploads) > UPLOADS_MAX:
                _, oldest = self._uploads.popitem(last=False)
                oldest.lose()
            return upload

    def _note_files(self, blobs: Sequence[tuple[str, Data]]) -> None:
        for digest, data in blobs:
            key = hashlib.sha256(content_line(digest, len(data))).hexdigest()
            self._note(key, _Known(hashlib.sha256(data).hexdigest(), {}))

    def _note(self, key: str, known: _Known) -> None:
        with self._lock:
            if key not in self._known:
                self._known[key] = known
                self._tensors_known += len(known.tensors)
            while len(self._known) > KNOWN_MAX or self._tensors_known > TENSORS_KNOWN_MAX:
                _, gone = self._known.popitem(last=False)
                self._tensors_known -= len(gone.tensors)


@dataclass(slots=True, eq=False)
class _Upload:
    """A file on its way: how far it is hashed, and which batches are in the house."""

    size: int
    _next: int = 0
    _is_lost: bool = False
    _is_busy: bool = False
    _inside: list[int] = field(default_factory=list)
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _sha256: hashlib._Hash = field(default_factory=hashlib.sha256)
    _key: hashlib._Hash = field(default_factory=hashlib.sha256)
    _tensors: TensorDigests = field(default_factory=lambda: TensorDigests(None, ()))

    @property
    def is_whole(self) -> bool:
        """Whether all of the file was hashed."""
        return self._next == self.size and not self._is_lost

    @property
    def key(self) -> str:
        """The `content_key` of the file, once it is whole."""
        return self._key.hexdigest()

    def known(self) -> _Known:
        """Return what was computed, once the file is whole."""
        return _Known(self._sha256.hexdigest(), self._tensors.known())

    def enter(self, start: int) -> None:
        """Say that the batch from ``start`` on has come."""
        with self._turn:
            self._inside.append(start)

    def leave(self, start: int) -> None:
        """Say that nothing more comes of it."""
        with self._turn:
            self._inside.remove(start)
            self._turn.notify_all()

    def lose(self) -> None:
        """Give up: nobody waits any more."""
        with self._turn:
            self._is_lost = True
            self._turn.notify_all()

    def take(self, start: int, blobs: Sequence[tuple[str, Data]], patience_s: float) -> None:
        """Hash a batch once all before it is; without those, give up."""
        if not self._wait_for_turn(start, patience_s):
            return
        if start == 0 and blobs:
            self._find_tensors(blobs[0][1])
        for digest, data in blobs:
            self._sha256.update(data)
            self._key.update(content_line(digest, len(data)))
        if self._tensors.is_wanting:
            self._tensors.feed_all(start, [memoryview(data) for _, data in blobs])
        with self._turn:
            self._next = start + sum(len(data) for _, data in blobs)
            self._is_busy = False
            self._turn.notify_all()

    def _wait_for_turn(self, start: int, patience_s: float) -> bool:
        """Return whether the batch is the next to be hashed; nobody else hashes from then on."""
        deadline_s = time.monotonic() + patience_s
        with self._turn:
            while not self._is_lost and (self._is_busy or self._next < start):
                is_coming = self._is_busy or min(self._inside) < start
                left_s = deadline_s - time.monotonic()
                if is_coming:
                    self._turn.wait()
                elif left_s > 0:
                    self._turn.wait(left_s)
                else:
                    self._is_lost = True
                    self._turn.notify_all()
            # One that is sent a second time has been hashed by now.
            self._is_busy = not self._is_lost and self._next == start
            return self._is_busy

    def _find_tensors(self, head: Data) -> None:
        """Learn from the first chunk where the tensors of a file lie, if it says so."""
        if len(head) > HEAD_BYTES_MAX or self.size > TENSOR_FILE_BYTES_MAX:
            return

        def look(start: int, length: int) -> bytes:
            return bytes(head[start : start + length])

        for name in ("a.safetensors", "a.gguf"):
            layout = find_layout(name, look, self.size)
            if layout is not None:
                self._tensors = TensorDigests(layout, cut_sizes(layout, look, self.size))
                return
