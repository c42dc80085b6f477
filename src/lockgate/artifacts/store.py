"""The blob store: bytes kept under their digest, in a local folder or in a bucket.

`BlobStore` is a protocol and its comments are the contract; every store passes
``tests/conformance/test_blob_stores.py``. `opening.open_store` picks the store by URL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, Self

from blake3 import blake3

from lockgate.domain.digests import digest_hex, sha256_digest
from lockgate.errors import DigestMismatch, LimitExceeded

# A blob on its way in; a view saves the copy where it was cut out of a longer read.
Data = bytes | memoryview

BLOB_BYTES_MAX: Final = 16 * 2**20
MANIFEST_BYTES_MAX: Final = 128 * 2**20
OWNER_BYTES_MAX: Final = 10_000
UPLOAD_HEADERS: Final = {"x-ms-blob-type": "BlockBlob"}
"""What goes with a PUT to an upload URL: Azure insists on it, the others do not look at it."""


class HashedBlob(NamedTuple):
    """A blob whose digest was computed from its bytes, in this process: make it with `of`.

    A store takes it at its word. Nobody changes the memory until the store has returned.
    """

    digest: str
    data: Data

    @classmethod
    def of(cls, data: Data) -> Self:
        """Hash these bytes."""
        return cls(blob_digest(data), data)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """Something in a store: its digest (a stray: its path), bytes, and when it was last put.

    ``modified_s`` counts seconds since 1970 by the store's own clock (`BlobStore.clock_s`).
    """

    name: str
    size: int
    modified_s: float


class BlobStore(Protocol):
    """Bytes under their digest: ``blake3:<64 hex>`` for blobs, ``sha256:<64 hex>`` for manifests.

    Every method may be called from several threads, and several processes may use one store.
    Every method raises BlobStoreUnavailable when the store cannot do it now (unreachable, disk
    full, permission denied); trying again later is safe. A digest that is not well-formed raises
    InvalidInput. Nothing retries beyond what the store's client does within its own time limits.
    """

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        """Keep these blobs; on return all of them are durable and visible.

        Each is verified first, unless it is a `HashedBlob`: DigestMismatch or LimitExceeded, and
        then none was kept. A blob appears whole or not at all. Putting one that is there is
        allowed, repairs it if its bytes were damaged, and makes it young again. After another
        error some may have been kept.
        The memory that the data lies in is the caller's again once this returns.
        """

    def read(self, digest: str) -> bytes:
        """Return a blob. BlobNotFound; DigestMismatch when its bytes are no longer its own."""

    def read_range(self, digest: str, start: int, length: int) -> bytes:
        """Return bytes of a blob without verifying them; fewer only at its end. BlobNotFound."""

    def missing(self, digests: Collection[str]) -> set[str]:
        """Return those of the digests that are not there, so that they must be put.

        A blob that is there may be swept a moment later, if no manifest names it: whoever seals a
        manifest asks again while no sweep can run.
        """

    def delete(self, digest: str) -> None:
        """Forget a blob; nothing happens when it is not there."""

    def set_aside(self, digest: str) -> None:
        """Move a damaged blob out of the way, so that it counts as missing and is put again."""

    def list_blobs(self) -> Iterator[StoredItem]:
        """Yield every blob, in no order. One that comes or goes meanwhile may be left out."""

    def put_manifest(self, digest: str, data: bytes) -> None:
        """Keep a manifest under its SHA-256, durably; as `put_many` otherwise."""

    def read_manifest(self, digest: str) -> bytes:
        """Return a manifest. BlobNotFound; DigestMismatch when its bytes are damaged."""

    def delete_manifest(self, digest: str) -> None:
        """Forget a manifest; nothing happens when it is not there."""

    def list_manifests(self) -> Iterator[StoredItem]:
        """Yield every manifest, in no order."""

    def list_strays(self) -> Iterator[StoredItem]:
        """Yield what stopped programs left behind; ``name`` is its path in the store."""

    def delete_stray(self, name: str) -> None:
        """Delete something that `list_strays` named; InvalidInput for any other path."""

    def read_owner(self) -> bytes | None:
        """Return what `put_owner` wrote, at most `OWNER_BYTES_MAX` of it, or None."""

    def put_owner(self, data: bytes, *, replace: bool = False) -> bytes:
        """Write down durably whose the store is, unless it is somebody's; return what it says then.

        Of several that try at once one writes, and all are told the same. With ``replace``
        whatever is there is overwritten.
        """

    def clock_s(self) -> float:
        """Return the time by which the store dates its items, in seconds since 1970.

        Ages are taken against this clock, never against that of the machine that asks.
        """

    def find_download_url(self, digest: str, expires_s: int) -> str | None:
        """Return a URL that serves a blob without credentials; None where the store has none."""

    def find_upload_url(self, digest: str, expires_s: int, sender: str = "") -> str | None:
        """Return a URL that takes a blob by PUT with `UPLOAD_HEADERS`; None where there is none.

        What arrives there is nobody's blob until `admit` has verified it for the same sender.
        """

    def admit(self, digest: str, sender: str = "") -> None:
        """Verify a blob that a sender has sent to their upload URL and keep it.

        BlobNotFound when nothing of theirs has arrived, DigestMismatch or LimitExceeded when it was
        something else (which is then deleted).
        """


def blob_digest(data: Data) -> str:
    """Return the digest of a chunk or tensor, ``blake3:<64 hex>``."""
    return f"blake3:{blake3(data).hexdigest()}"


def check_blobs(blobs: Sequence[tuple[str, Data]]) -> None:
    """Raise unless each is the blob it is said to be and no larger than a blob may be."""
    for blob in blobs:
        _check_size(blob[1])
        if not isinstance(blob, HashedBlob):
            check_blob(*blob)


def _check_size(data: Data) -> None:
    if len(data) > BLOB_BYTES_MAX:
        raise LimitExceeded(what="A blob's size in bytes", observed=len(data), limit=BLOB_BYTES_MAX)


def check_blob(digest: str, data: Data) -> None:
    """Raise unless ``data`` is the blob ``digest`` and no larger than a blob may be."""
    digest_hex(digest, "blake3")
    _check_size(data)
    observed = blob_digest(data)
    if observed != digest:
        raise DigestMismatch(subject="The blob", observed=observed, expected=digest)


def check_manifest(digest: str, data: bytes) -> None:
    """Raise unless ``data`` is the manifest ``digest`` and no larger than one may be."""
    digest_hex(digest, "sha256")
    if len(data) > MANIFEST_BYTES_MAX:
        raise LimitExceeded(
            what="A manifest's size in bytes", observed=len(data), limit=MANIFEST_BYTES_MAX
        )
    observed = sha256_digest(data)
    if observed != digest:
        raise DigestMismatch(subject="The manifest", observed=observed, expected=digest)
