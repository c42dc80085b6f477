"""The verbs of portable bundles, written once for a registry in this process and on a server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from lockgate.artifacts.portable import OpenBundle, batches, open_bundle, write_bundle
from lockgate.artifacts.pulling import Fetch
from lockgate.artifacts.sending import Sink
from lockgate.domain.manifests import Manifest
from lockgate.domain.portable import BundleHead
from lockgate.domain.versions import ModelVersion
from lockgate.errors import BlobNotFound
from lockgate.keys import trusted_keys_of

IMPORTS_MAX = 10
"""How often what was swept, before the files had their name, is put again."""


class BundleVerbs(ABC):
    """Take a version out as one file, and bring it in elsewhere."""

    project: str

    @abstractmethod
    def bundle_head(self, reference: str) -> BundleHead:
        """Return what goes into a version's bundle beside its bytes, signed."""

    @abstractmethod
    def seal_bundle(
        self, head: BundleHead, trust: Sequence[str], *, project: str | None = None
    ) -> ModelVersion:
        """Make a version of what a bundle says, once its chunks and manifest are in the store."""

    @abstractmethod
    def manifest(self, reference: str) -> Manifest:
        """Return the manifest of a version."""

    @abstractmethod
    def resolve(self, reference: str) -> ModelVersion:
        """Return the version that a reference means."""

    @abstractmethod
    def chunks(self, version: ModelVersion) -> Fetch:
        """Return where the chunks of a sealed version come from."""

    @abstractmethod
    def keep_manifest(self, data: bytes) -> Manifest:
        """Keep the bytes of a manifest."""

    @abstractmethod
    def _sink(self) -> Sink:
        """Return where chunks go."""

    def export_bundle(self, reference: str, file: str | Path) -> ModelVersion:
        """Write a version to one file: its bytes, and what is known of it, signed.

        The file holds the version's record, evidence, signatures and events with the proof that
        they are in the project's log. The same again is the same bytes, as long as nothing
        happens to the version. What is there is replaced, at once. Asks for the permission to
        sign the log. Raises `ArtifactNotFound`, `Unavailable`.
        """
        version = self.resolve(reference)
        head = self.bundle_head(version.reference)
        write_bundle(Path(file), head, self.manifest(version.reference), self.chunks(version))
        return version

    def import_bundle(
        self,
        file: str | Path,
        trust: Sequence[str],
        *,
        into: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ModelVersion:
        """Make a version of a bundle, in the project ``into``; it remembers where it comes from.

        All of the file is verified before anything is written: ``trust`` are verifier keys
        (``name+id+base64``, or files of them), one of which must have signed it. The version
        begins in the initial stage of its lifecycle: what was approved elsewhere opens no gate.
        Importing again is the same version. Raises what `open_bundle` and `push` raise.
        """
        trusted = trusted_keys_of(",".join(trust))
        bundle = open_bundle(Path(file), trusted, progress=progress)
        keys = [str(bundle.portable.key)]
        lacking: BlobNotFound | None = None
        for _ in range(IMPORTS_MAX):
            self._put(bundle)
            self.keep_manifest(bundle.manifest.encoded)
            try:
                return self.seal_bundle(bundle.head, keys, project=into)
            except BlobNotFound as error:
                lacking = error  # swept in between: the next round puts it again
        assert lacking is not None  # noqa: S101  # at least one round
        raise lacking

    def _put(self, bundle: OpenBundle) -> None:
        sink = self._sink()
        for batch in batches(bundle.manifest):
            missing = sink.missing(batch)
            wanted = [digest for digest in batch if digest in missing]
            if wanted:
                sink.put_many(list(bundle.read_chunks(wanted)))
