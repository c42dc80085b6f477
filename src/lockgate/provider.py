"""``churn@production``: versions of a registry as an origin of the cluster's cache.

A reference is pinned to the digest of a version's manifest, so that a key means the same bytes for
good, whatever moves. Bytes come from whoever carries a registry's chunks (this process, or a
server) and are verified chunk by chunk, then file by file by the cache itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from lockgate.artifacts.batches import together
from lockgate.artifacts.pulling import Fetch
from lockgate.artifacts.store import blob_digest
from lockgate.coordination.providers import (
    WITHOUT_WEIGHTS,
    SourceFile,
    require_files,
    without_weights,
)
from lockgate.domain.claims import ModelKey
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.manifests import Chunk, FileEntry, Manifest
from lockgate.domain.models import RegisteredModel
from lockgate.domain.pages import Page
from lockgate.domain.references import DEFAULT_PROJECT, parse_reference, split_name
from lockgate.domain.versions import ModelVersion
from lockgate.errors import ArtifactNotFound, DigestMismatch, NotFound, ServerUnreachable

__all__ = ["VersionProvider", "VersionSource"]

SCHEME = "lockgate"
OPENED_MAX = 16
SHARING_MAX = 1000


class VersionSource(Protocol):
    """What is asked of a registry; `Registry` and `Client` both have it."""

    def resolve(self, reference: str) -> ModelVersion: ...
    def manifest(self, reference: str) -> Manifest: ...
    def get_model(self, name: str) -> RegisteredModel: ...
    def get_lifecycle(self, name: str, revision: int | None = None) -> Lifecycle: ...
    def search(
        self, expression: str, /, *, project: str | None = None, limit: int = 100
    ) -> Page[ModelVersion]: ...

    def chunks(self, version: ModelVersion) -> Fetch: ...


@dataclass(frozen=True, slots=True)
class _Opened:
    """A version's files by path, and where their chunks come from."""

    files: dict[str, FileEntry]
    fetch: Fetch


class VersionProvider:
    """Versions of one registry, which is opened when it is first asked.

    ``project`` is that of names which are written without one. The registry is closed by whoever
    opened it.
    """

    name = SCHEME

    def __init__(
        self, registry: Callable[[], VersionSource], project: str = DEFAULT_PROJECT
    ) -> None:
        self._registry, self._project = registry, project
        self._lock = Lock()
        self._opened: OrderedDict[tuple[str, str], _Opened] = OrderedDict()

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        """Return the key of the version that a reference means; of a digest, without asking.

        Raises InvalidReference, what resolving raises, and ArtifactNotFound for a version that
        has no files in the registry.
        """
        text = reference.removeprefix(f"{SCHEME}://")
        parsed = parse_reference(text, self._project)
        if parsed.kind == "digest":
            model, digest = f"{parsed.project}/{parsed.model}", parsed.selector
        else:
            version = self._registry().resolve(str(parsed))
            if version.digest is None:
                raise ArtifactNotFound(
                    reference=version.reference, artifact_uri=version.artifact_uri
                )
            model, digest = f"{version.project}/{version.model}", version.digest
        return ModelKey(SCHEME, model, without_weights(digest, ignore_weights))

    def list_files(self, key: ModelKey) -> Sequence[SourceFile]:
        """Return the files of the manifest, each with its size and SHA-256."""
        files = self._open(key).files.values()
        return require_files(
            key, [SourceFile(file.path, file.size, file.sha256, file.sha256) for file in files]
        )

    def read(self, key: ModelKey, file: SourceFile, offset: int) -> Iterator[bytes]:
        """Yield the bytes from ``offset`` on. Raises DigestMismatch for a chunk that is damaged."""
        opened = self._open(key)
        entry = opened.files[file.path]
        skip = offset
        for batch in together(entry.chunks, lambda chunk: chunk.size):
            size = sum(chunk.size for chunk in batch)
            if skip >= size:
                skip -= size
                continue
            for data in _verified(opened.fetch, batch, entry.path):
                if skip < len(data):
                    yield data[skip:]
                skip = max(0, skip - len(data))

    def is_withdrawn(self, key: ModelKey) -> bool:
        """Tell whether every version with these bytes is deleted or archived.

        Keys of other providers are not ours to judge: False.
        """
        if key.provider != SCHEME:
            return False
        project, model = split_name(key.model)
        registry, digest = self._registry(), _digest_of(key)
        try:
            found = registry.get_model(key.model)
            sharing = registry.search(f"digest = '{digest}'", project=project, limit=SHARING_MAX)
        except NotFound:
            return True
        archive = registry.get_lifecycle(found.lifecycle, found.lifecycle_revision).archive_stage
        retired = None if archive is None else archive.name
        ours = [version for version in sharing if version.model == model]
        # With more of them than fit on a page, one that we did not see may be in use.
        return sharing.next_cursor is None and all(each.stage == retired for each in ours)

    def close(self) -> None:
        """Forget what was opened; the registry is not ours to close."""
        with self._lock:
            self._opened.clear()

    def _open(self, key: ModelKey) -> _Opened:
        """Return the files of a key. Its manifest is fetched once, as long as it is in use."""
        place = key.model, _digest_of(key)
        with self._lock:
            found = self._opened.get(place)
            if found is not None:
                self._opened.move_to_end(place)
                return found
        registry, reference = self._registry(), "@".join(place)
        version = registry.resolve(reference)
        manifest = registry.manifest(version.reference)
        opened = _Opened({file.path: file for file in manifest.files}, registry.chunks(version))
        with self._lock:
            self._opened[place] = opened
            while len(self._opened) > OPENED_MAX:
                self._opened.popitem(last=False)
        return opened


def _digest_of(key: ModelKey) -> str:
    return key.revision.removesuffix(WITHOUT_WEIGHTS)


def _verified(fetch: Fetch, batch: list[Chunk], path: str) -> Iterator[bytes]:
    blobs = iter(fetch([chunk.digest for chunk in batch]))
    for chunk in batch:
        data = next(blobs, None)
        if data is None:
            raise ServerUnreachable(url=SCHEME, detail=f"it sent too few chunks of {path}")
        observed = blob_digest(data)
        if observed != chunk.digest:
            raise DigestMismatch(
                subject=f"A chunk of {path}", observed=observed, expected=chunk.digest
            )
        yield data
