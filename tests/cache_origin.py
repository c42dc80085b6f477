"""An origin in memory whose bytes are counted, a backend that can be away, and a cache on both."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from lockgate.coordination.cache import CacheLimits, ModelCache
from lockgate.coordination.journal import PIECE_BYTES
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.providers import SourceFile, require_files, without_weights
from lockgate.domain.claims import ModelKey
from lockgate.errors import CoordinatorUnavailable, ServerUnreachable

LIMITS = CacheLimits(
    lease_s=0.3, look_s=0.05, disk_look_s=0.01, outage_s_max=0.3, wait_s_max=20, reader_lease_s=5
)
BIG = bytes(range(256)) * (3 * PIECE_BYTES // 256) + b"end"
FILES = {"config.json": b"{}", "weights/a.safetensors": BIG, "empty.txt": b""}


class Origin:
    """Models in memory. Counts the bytes it gave out; can fail and can be held up."""

    name = "mem"

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(FILES if files is None else files)
        self.bytes_given = 0
        self.lists = 0
        self.faults: list[Exception] = []
        self.cut_after: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        self.lying_digest = ""

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        return ModelKey(
            "mem", reference.removeprefix("mem://"), without_weights("1", ignore_weights)
        )

    def close(self) -> None:
        """Nothing to do."""

    def list_files(self, key: ModelKey) -> list[SourceFile]:
        self.lists += 1
        if self.faults:
            raise self.faults.pop(0)
        return require_files(
            key,
            [
                SourceFile(
                    path, len(data), self.lying_digest or hashlib.sha256(data).hexdigest(), "v1"
                )
                for path, data in self.files.items()
            ],
        )

    def read(self, _: ModelKey, file: SourceFile, offset: int):
        data = self.files[file.path]
        cut = self.cut_after.pop(0) if self.cut_after and len(data) > PIECE_BYTES else len(data)
        for start in range(offset, min(len(data), offset + cut), 1 << 20):
            piece = data[start : min(start + (1 << 20), offset + cut)]
            self.bytes_given += len(piece)
            yield piece
            if start > PIECE_BYTES:
                self.reached.set()
                self.gate.wait(20)
        if offset + cut < len(data):
            raise ServerUnreachable(url="mem", detail="cut")


def cache_of(root: Path, backend, origin, **options) -> ModelCache:
    options = {"limits": LIMITS, **options}
    return ModelCache(root, backend, providers=[origin], **options)


def files_below(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file()
    }


KEY = ModelKey("mem", "m", "1")
TOTAL = sum(map(len, FILES.values()))


class Outage:
    """A backend that is away for a number of calls, or always."""

    def __init__(self, backend: MemoryBackend, *, calls: int = 0, always: bool = False) -> None:
        self._backend, self.calls, self.always = backend, calls, always

    def __getattr__(self, name: str):
        method = getattr(self._backend, name)

        def call(*arguments, **options):
            if self.always or self.calls > 0:
                self.calls -= 1
                raise CoordinatorUnavailable(detail="gone fishing")
            return method(*arguments, **options)

        return call
