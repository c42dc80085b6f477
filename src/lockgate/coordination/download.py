"""One download, by the one who holds the claim: salvage, fetch, verify, publish."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Lock

from lockgate.coordination.journal import PIECE_BYTES, Receiving, verified_pieces
from lockgate.coordination.layout import FileEntry, Layout, sync_folder
from lockgate.coordination.providers import Provider, SourceFile
from lockgate.domain.claims import Claimed, Progress
from lockgate.errors import (
    ArtifactNotFound,
    ClaimLost,
    Conflict,
    DigestMismatch,
    LimitExceeded,
    ServerUnreachable,
    Unavailable,
)

__all__ = ["Download"]

PARALLEL_FILES = 4
STALLS_MAX = 3
STALL_PAUSE_S = 0.1
SALVAGE_FOLDERS_MAX = 100


class Download:
    """Fetches every file of a claimed model into its staging folder.

    ``require_held`` is called before every write and raises ClaimLost when the claim is lost.
    """

    def __init__(
        self,
        layout: Layout,
        provider: Provider,
        claim: Claimed,
        *,
        require_held: Callable[[], None],
        bytes_max: int,
    ) -> None:
        self._layout, self._provider, self._claim = layout, provider, claim
        self._require_held, self._bytes_max = require_held, bytes_max
        self._folder = layout.staging(claim)
        self._salvage: list[Path] = []
        self._lock = Lock()
        self._is_stopping = False
        self._bytes_total: int | None = None
        self.bytes_fetched = 0
        self.bytes_salvaged = 0

    @property
    def progress(self) -> Progress:
        return Progress(self.bytes_fetched + self.bytes_salvaged, self._bytes_total)

    def run(self) -> None:
        """Leave a complete model, entry included, in the staging folder.

        Raises what the provider raises, ClaimLost, DigestMismatch, LimitExceeded, and Unavailable
        when the disk refuses. The bytes that are good stay for whoever tries next.
        """
        try:
            self._inherit()
            files = self._list_files()
            entries = self._obtain_all(files)
            for old in (*self._salvage, self._folder / "partial", self._folder / "journal"):
                shutil.rmtree(old, ignore_errors=True)
            (self._folder / "files").mkdir(exist_ok=True)
            self._layout.write_entry(self._folder, self._claim.key, entries)
        except FileNotFoundError as error:
            raise self._lost() from error
        except OSError as error:
            raise Unavailable(
                detail=f"Cannot write below {self._layout.root}: {error.strerror or error}."
            ) from error

    def publish(self) -> Path:
        """Make the download a copy that everyone finds. Raises ClaimLost."""
        try:
            return self._layout.publish(self._claim)
        except FileNotFoundError as error:
            raise self._lost() from error

    def _inherit(self) -> None:
        """Take over what earlier owners left. Whoever has a higher fence is not touched."""
        self._require_held()
        self._folder.mkdir(parents=True)
        for folder in sorted(self._folder.parent.iterdir())[:SALVAGE_FOLDERS_MAX]:
            fence = folder.name.partition("-")[0]
            if folder == self._folder or not fence.isdecimal() or int(fence) >= self._claim.fence:
                continue
            mine = self._folder / f"salvage-{len(self._salvage)}"
            try:
                folder.rename(mine)
            except FileNotFoundError:
                continue  # its owner has just published it
            self._salvage += _with_nested(mine)

    def _list_files(self) -> list[SourceFile]:
        files = list(self._provider.list_files(self._claim.key))
        if not files:
            raise ArtifactNotFound(reference=str(self._claim.key))
        sizes = [file.size for file in files if file.size is not None]
        self._require_room(sum(sizes))
        self._bytes_total = sum(sizes) if len(sizes) == len(files) else None
        return files

    def _obtain_all(self, files: list[SourceFile]) -> list[FileEntry]:
        """Fetch files in parallel; the first failure stops the others."""
        with ThreadPoolExecutor(PARALLEL_FILES, "fetch") as pool:
            futures = [pool.submit(self._obtain, file) for file in files]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                return [future.result() for future in futures]
            except BaseException:
                self._is_stopping = True
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _obtain(self, file: SourceFile) -> FileEntry:
        paths = [self._folder / part / file.path for part in ("partial", "journal", "files")]
        partial, journal, final = paths
        for path in paths:
            self._make_folder(path.parent)
        receiving = Receiving(partial, journal, file)
        try:
            self._receive_salvage(receiving, file)
            self._receive_rest(receiving, file)
        finally:
            receiving.close(durable=True)
        observed = receiving.sha256.hexdigest()
        if file.sha256 is not None and observed != file.sha256:
            journal.unlink(missing_ok=True)  # these bytes are not worth keeping
            raise DigestMismatch(subject=file.path, observed=observed, expected=file.sha256)
        self._require_going()
        partial.rename(final)
        sync_folder(final.parent)
        for folder in self._salvage:
            (folder / "files" / file.path).unlink(missing_ok=True)
            (folder / "partial" / file.path).unlink(missing_ok=True)
        return FileEntry(file.path, receiving.size, observed)

    def _receive_salvage(self, receiving: Receiving, file: SourceFile) -> None:
        """Take the longest verified beginning that any earlier owner left."""
        candidates = [
            (content, folder / "journal" / file.path)
            for folder in self._salvage
            for content in (folder / "files" / file.path, folder / "partial" / file.path)
            if content.is_file()
        ]
        if not candidates:
            return
        content, journal = max(candidates, key=lambda pair: pair[0].stat().st_size)
        for piece in verified_pieces(content, journal, file):
            self._require_going()
            receiving.append(piece)
            with self._lock:
                self.bytes_salvaged += len(piece)

    def _receive_rest(self, receiving: Receiving, file: SourceFile) -> None:
        """Fetch what is missing; a broken connection is resumed while it brings anything."""
        stalls = 0
        while True:
            before = receiving.size
            try:
                self._receive_once(receiving, file)
                return
            except Unavailable:
                stalls = stalls + 1 if receiving.size == before else 1
                if stalls >= STALLS_MAX or self._is_stopping:
                    raise
                time.sleep(STALL_PAUSE_S * stalls)

    def _receive_once(self, receiving: Receiving, file: SourceFile) -> None:
        if file.size is not None and receiving.size == file.size:
            return
        stream = self._provider.read(self._claim.key, file, receiving.size)
        for piece in _pieces_of(stream):
            self._require_going()
            receiving.append(piece)
            with self._lock:
                self.bytes_fetched += len(piece)
            self._require_room(self.bytes_fetched + self.bytes_salvaged)
            if file.size is not None and receiving.size > file.size:
                raise Conflict(
                    detail=f"{file.path} has more than the {file.size} bytes its origin named."
                )
        if file.size is not None and receiving.size < file.size:
            raise ServerUnreachable(
                url=str(self._claim.key),
                detail=f"{file.path} ended after {receiving.size} of {file.size} bytes",
            )

    def _make_folder(self, folder: Path) -> None:
        """Make a folder below the staging folder, which itself must be there already."""
        if not folder.is_dir():
            missing = [folder, *folder.parents]
            for step in reversed(missing[: missing.index(self._folder)]):
                step.mkdir(exist_ok=True)

    def _require_room(self, observed: int) -> None:
        if observed > self._bytes_max:
            raise LimitExceeded(
                what=f"The size of {self._claim.key} in bytes",
                observed=observed,
                limit=self._bytes_max,
            )

    def _require_going(self) -> None:
        self._require_held()
        if self._is_stopping:
            raise Unavailable(detail="Stopped, because another file of the model failed.")

    def _lost(self) -> ClaimLost:
        claim = self._claim
        return ClaimLost(
            key=str(claim.key),
            holder=claim.holder,
            fence=claim.fence,
            detail="another owner has taken its files",
        )


def _with_nested(folder: Path) -> list[Path]:
    """Return an inherited folder and, inside it, those that its owner had inherited."""
    nested = sorted(folder.glob("salvage-*"))[:SALVAGE_FOLDERS_MAX]
    return [folder, *(inner for child in nested for inner in _with_nested(child))]


def _pieces_of(stream: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces of PIECE_BYTES (the last is shorter). What came before an error is not lost."""
    buffer = bytearray()
    try:
        for data in stream:
            buffer += data
            while len(buffer) >= PIECE_BYTES:
                yield bytes(buffer[:PIECE_BYTES])
                del buffer[:PIECE_BYTES]
    except Unavailable:
        if buffer:
            yield bytes(buffer)
        raise
    if buffer:
        yield bytes(buffer)
