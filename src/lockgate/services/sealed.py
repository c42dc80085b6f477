"""Sealed versions: whether one has files, and which manifest names them."""

from __future__ import annotations

from lockgate.domain.manifests import Manifest
from lockgate.domain.versions import ModelVersion
from lockgate.errors import ArtifactNotFound
from lockgate.services.depot import Depot


def sealed_digest(version: ModelVersion) -> str:
    """Return the digest of a version's manifest. Raises `ArtifactNotFound`."""
    if version.digest is None:
        raise ArtifactNotFound(reference=version.reference, artifact_uri=version.artifact_uri)
    return version.digest


def manifest_of(depot: Depot, version: ModelVersion) -> Manifest:
    """Return a version's manifest. Raises `ArtifactNotFound`, `BlobNotFound`."""
    return depot.manifest(sealed_digest(version))
