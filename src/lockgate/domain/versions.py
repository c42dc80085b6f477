"""Model versions: what is registered, rises through stages, and is resolved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from lockgate.domain.audit import canonical_json
from lockgate.domain.frozen import EMPTY, FrozenDict
from lockgate.domain.names import Scalar


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a version came from. Opaque text, recorded and never fetched.

    ``parents`` are references of the versions it was derived from.
    """

    run_id: str | None = None
    dataset: str | None = None
    code: str | None = None
    parents: tuple[str, ...] = ()


NO_SOURCES = Sources()


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """A version of a model.

    ``label`` is unique within the model, ``seq`` is 1, 2, 3 … in order of registration.
    ``stage`` is in its canonical spelling. ``digest`` is the SHA-256 of the manifest once files
    are sealed; ``artifact_uri`` points elsewhere and is never fetched by the server.
    ``revision`` grows with every change and is what ``If-Match`` compares.
    """

    uid: str
    project: str
    model: str
    label: str
    seq: int
    stage: str
    stage_since: datetime
    description: str = ""
    artifact_uri: str | None = None
    digest: str | None = None
    metrics: FrozenDict[str, int | float] = EMPTY
    params: FrozenDict[str, Scalar] = EMPTY
    tags: FrozenDict[str, str] = EMPTY
    metadata: FrozenDict[str, Any] = EMPTY
    aliases: tuple[str, ...] = ()
    sources: Sources = NO_SOURCES
    approved_by: str | None = None
    approved_at: datetime | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    revision: int = 1

    def __str__(self) -> str:
        return self.reference

    @property
    def version(self) -> str:
        """The label, under the name that most users know it by."""
        return self.label

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model

    @property
    def run_id(self) -> str | None:
        """The run that made it."""
        return self.sources.run_id

    @property
    def reference(self) -> str:
        """``project/model:label``, which always means this version."""
        return f"{self.project}/{self.model}:{self.label}"

    @cached_property
    def content_parts(self) -> FrozenDict[str, str]:
        """A digest for each part of what an approval is bound to: ``files`` and ``metrics``."""
        files = _sha256_of_files(self.artifact_uri, self.digest)
        metrics = _sha256(dict(self.metrics)) if self.metrics else _NO_METRICS
        return FrozenDict({"files": files, "metrics": metrics})

    @cached_property
    def content_digest(self) -> str:
        """What an approval is bound to: the content's parts, and which version it is."""
        return _sha256({"uid": self.uid, "label": self.label, "parts": self.content_parts})


def _sha256(value: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


_NO_METRICS = _sha256({})


@lru_cache(maxsize=4096)
def _sha256_of_files(artifact_uri: str | None, digest: str | None) -> str:
    """Kept, since a version is read anew for each passage, and its files stay what they are."""
    return _sha256({"artifact_uri": artifact_uri, "digest": digest})
