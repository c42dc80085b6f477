"""Portable bundles: the verbs, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.artifacts.bundling import BundleVerbs as Bundling
from lockgate.domain.portable import BundleHead
from lockgate.domain.versions import ModelVersion
from lockgate.sdk.artifacts import UPKEEP_S_MAX, ArtifactVerbs
from lockgate.sdk.calls import segment
from lockgate.wire.records import from_wire


class BundleVerbs(ArtifactVerbs, Bundling):
    """Take a version out as one file, and bring it in elsewhere."""

    def bundle_head(self, reference: str) -> BundleHead:
        """Return what goes into a version's bundle beside its bytes, signed."""
        path = self._at(self.resolve(reference), "bundle")
        return self._change(BundleHead, "POST", path)

    def seal_bundle(
        self, head: BundleHead, trust: Sequence[str], *, project: str | None = None
    ) -> ModelVersion:
        """Make a version of what a bundle says, once its chunks and manifest are in the store.

        ``trust`` are verifier keys, one of which must have signed it; see `import_bundle`.
        """
        body = {"index": head.index, "note": head.note, "trust": list(trust)}
        path = f"/projects/{segment(project or self.project, 'project')}/bundles"
        made = self._transfers().write(path, body, self._once_headers(), UPKEEP_S_MAX)
        return from_wire(ModelVersion, made)
