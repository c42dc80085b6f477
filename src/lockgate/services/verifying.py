"""Verifying: stored files are read back whole and hashed; what is damaged can be pushed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lockgate.artifacts.verification import FaultKind, verify_files
from lockgate.domain.files import FileFault, Verified
from lockgate.domain.versions import ModelVersion
from lockgate.errors import BlobNotFound, DigestMismatch, InvalidManifest
from lockgate.services import proving
from lockgate.services.depot import Depot
from lockgate.services.sealed import sealed_digest
from lockgate.storage import artifacts as rows
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store
from lockgate.storage.versions import load_version_by_id

FAULTS_MAX = 10_000
PAGE_VERSIONS = 100
Progress = Callable[[int], None]


def every_sealed(store: Store) -> Iterator[ModelVersion]:
    """Yield every version that has files, deleted ones that can be restored included."""
    after = 0
    while True:
        found = store.snapshot(partial(_sealed_after, after=after))
        yield from (version for _, version in found)
        if len(found) < PAGE_VERSIONS:
            return
        after = found[-1][0]


def _sealed_after(session: Session, after: int) -> list[tuple[int, ModelVersion]]:
    return [
        (key, load_version_by_id(session, key, model))
        for key, model in rows.list_sealed(session, after, PAGE_VERSIONS)
    ]


class Verifying:
    """One run over versions: what one of them shares with another is read once."""

    def __init__(
        self, store: Store, depot: Depot, who: Caller, on_progress: Progress | None = None
    ) -> None:
        self._store = store
        self._depot = depot
        self._who = who
        self._on_progress = on_progress
        self._seen: set[str] = set()
        self._bytes_read = 0
        self._versions = 0
        self._faults: list[FileFault] = []

    def add(self, version: ModelVersion) -> None:
        """Read a version's files. Damaged chunks are set aside, so that a push brings them anew.

        What has no proof by the rules of this release is proved, if its bytes are whole. Raises
        `ArtifactNotFound`, `BlobStoreUnavailable`.
        """
        digest = sealed_digest(version)
        self._versions += 1
        if digest in self._seen:
            return
        self._seen.add(digest)
        try:
            # From the store, not from memory: the manifest is what is verified first.
            self._depot.blobs.read_manifest(digest)
            manifest = self._depot.manifest(digest)
        except (BlobNotFound, DigestMismatch, InvalidManifest) as error:
            missing = isinstance(error, BlobNotFound)
            kind = FaultKind.MISSING if missing else FaultKind.DAMAGED
            self._fault(FileFault(reference=version.reference, path="", kind=kind, digest=digest))
            return
        before = len(self._faults)
        for fault in verify_files(manifest, self._read, on_progress=self._count):
            if fault.kind is FaultKind.DAMAGED:
                self._depot.blobs.set_aside(fault.digest)
            self._fault(
                FileFault(
                    reference=version.reference,
                    path=fault.path,
                    kind=str(fault.kind),
                    digest=fault.digest,
                    chunk=fault.chunk,
                    tensor=fault.tensor,
                )
            )
        if len(self._faults) == before:
            proving.prove_again(self._store, self._depot, self._who, manifest)

    def verified(self) -> Verified:
        """Return what was found."""
        return Verified(
            versions=self._versions,
            bytes_read=self._bytes_read,
            faults=tuple(self._faults[:FAULTS_MAX]),
        )

    def _read(self, digest: str) -> bytes:
        return self._depot.blobs.read(digest)

    def _count(self, size: int) -> None:
        self._bytes_read += size
        if self._on_progress:
            self._on_progress(size)

    def _fault(self, fault: FileFault) -> None:
        self._faults.append(fault)
