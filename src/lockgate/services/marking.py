"""Marking: what manifests need, so that everything else can go."""

from __future__ import annotations

from lockgate.errors import BlobNotFound, Corrupt
from lockgate.services.depot import Depot


class Marked:
    """What the versions of some manifests need; grows as versions are sealed."""

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self._manifests: set[str] = set()
        self._blobs: set[str] = set()

    def add(self, digests: set[str]) -> None:
        """Mark manifests and all that they name. Raises `Corrupt` when one is not in the store."""
        for digest in digests - self._manifests:
            try:
                self._blobs.update(self._depot.manifest(digest).chunk_sizes)
            except BlobNotFound as error:
                raise Corrupt(
                    detail=f"The manifest {digest} of a version is not in the store, so what it "
                    "names is not known: nothing is swept. Is this the right store? "
                    "`lockgate verify --all` names the version.",
                    digest=digest,
                ) from error
            self._manifests.add(digest)

    def __contains__(self, name: object) -> bool:
        return name in self._blobs or name in self._manifests
