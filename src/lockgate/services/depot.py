"""The depot: where a registry's files lie, and the rules for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.artifacts.heads import Heads
from lockgate.artifacts.passing import PassingHashes
from lockgate.domain.imports import ImportRules
from lockgate.domain.manifests import Manifest, parse_manifest
from lockgate.keys import trusted_keys_of

if TYPE_CHECKING:
    from lockgate.artifacts.store import BlobStore
    from lockgate.storage.store import Store

MANIFESTS_KEPT_MAX = 256
MANIFESTS_KEPT_BYTES_MAX = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class DepotRules:
    """What a deployment decides about files.

    ``trusted_keys`` are verifier keys or files that hold one a line, with commas between.
    ``sweep_lease_s`` is how long a sweep may delete before it asks again. ``imports`` is what may
    be fetched by URI.
    """

    gc_grace_s: float = 86_400.0
    restore_days: int = 30
    trusted_keys: str = ""
    cache: Path = field(default_factory=lambda: Path.home() / ".cache" / "lockgate")
    sweep_lease_s: int = 60
    imports: ImportRules = field(default_factory=ImportRules)


class Depot:
    """A blob store, opened when it is first needed, and the manifests that were read from it."""

    def __init__(
        self, open_blobs: Callable[[], BlobStore], rules: DepotRules | None = None
    ) -> None:
        self._open_blobs = open_blobs
        self.rules = rules or DepotRules()
        self.passing = PassingHashes()
        self.heads = Heads()
        self._blobs: BlobStore | None = None
        self._kept: OrderedDict[str, Manifest] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    @property
    def blobs(self) -> BlobStore:
        """The store. Raises `BlobStoreUnavailable`, `InvalidSetting`."""
        with self._lock:
            if self._blobs is None:
                self._blobs = self._open_blobs()
            return self._blobs

    @cached_property
    def trusted_keys(self) -> Mapping[str, str]:
        """The names of those whose signatures count, by public key as text. `InvalidSetting`."""
        return trusted_keys_of(self.rules.trusted_keys)

    def manifest(self, digest: str) -> Manifest:
        """Return a manifest. Raises `BlobNotFound`, `DigestMismatch`, `BlobStoreUnavailable`."""
        with self._lock:
            found = self._kept.get(digest)
            if found is not None:
                self._kept.move_to_end(digest)
                return found
        manifest = parse_manifest(self.blobs.read_manifest(digest))
        self.remember(manifest)
        return manifest

    def keep_manifest(self, manifest: Manifest) -> None:
        """Put a manifest into the store. Raises `BlobStoreUnavailable`."""
        self.blobs.put_manifest(manifest.digest, manifest.encoded)
        self.remember(manifest)

    def remember(self, manifest: Manifest) -> None:
        """Keep at hand a manifest that the store has just taken."""
        size = len(manifest.encoded)
        if size > MANIFESTS_KEPT_BYTES_MAX // 4:
            return
        with self._lock:
            if manifest.digest not in self._kept:
                self._kept[manifest.digest] = manifest
                self._kept_bytes += size
            while len(self._kept) > MANIFESTS_KEPT_MAX or (
                self._kept_bytes > MANIFESTS_KEPT_BYTES_MAX
            ):
                _, gone = self._kept.popitem(last=False)
                self._kept_bytes -= len(gone.encoded)

    def close(self) -> None:
        """Release the store, if it was opened."""
        with self._lock:
            blobs, self._blobs = self._blobs, None
        close = getattr(blobs, "close", None)
        if close is not None:
            close()


def find_depot(store: Store) -> Depot | None:
    """Return the depot of a store, or None for a registry that keeps no files."""
    return store.depot if isinstance(store.depot, Depot) else None
