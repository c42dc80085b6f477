"""Portable bundles: the verbs."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.artifacts.bundling import BundleVerbs as Bundling
from lockgate.domain.portable import BundleHead
from lockgate.domain.versions import ModelVersion
from lockgate.registry.artifacts import ArtifactVerbs
from lockgate.services import portable


class BundleVerbs(ArtifactVerbs, Bundling):
    """Take a version out as one file, and bring it in elsewhere."""

    def bundle_head(self, reference: str) -> BundleHead:
        """Return what goes into a version's bundle beside its bytes, signed."""
        version = self.resolve(reference)
        return portable.describe(self._store, self.depot, self._who, version, self._signer)

    def seal_bundle(
        self, head: BundleHead, trust: Sequence[str], *, project: str | None = None
    ) -> ModelVersion:
        """Make a version of what a bundle says, once its chunks and manifest are in the store.

        ``trust`` are verifier keys, one of which must have signed it; see `import_bundle`.
        """
        return portable.seal_bundle(
            self._store, self.depot, self._who, project or self.project, head, trust
        )
