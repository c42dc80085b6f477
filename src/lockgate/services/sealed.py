"""Sealed versions: which manifest names the files of one."""

from __future__ import annotations

from lockgate.domain.versions import ModelVersion
from lockgate.errors import ArtifactNotFound


def sealed_digest(version: ModelVersion) -> str:
    """Return the digest of a version's manifest. Raises `ArtifactNotFound`."""
    if version.digest is None:
        raise ArtifactNotFound(reference=version.reference, artifact_uri=version.artifact_uri)
    return version.digest
