"""wanLLMDB's words: what its clients send, and what they get.

ours                          wanLLMDB's
uid                           id (a UUID with dashes)
project's name                project_id (of a client of wanLLMDB: the UUID that it chose)
tag without a value           an entry of tags
artifact_uri, as a URN        artifact_version_id
"""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, Field

from lockgate.dialects.details import tag_list
from lockgate.domain import names
from lockgate.domain.history import Transition
from lockgate.domain.models import RegisteredModel
from lockgate.domain.moments import to_text
from lockgate.domain.versions import ModelVersion

Stage = Literal["none", "staging", "production", "archived"]
LIMIT_MAX = 10_000
_ARTIFACT = "urn:wanllmdb:artifact-version:"


class NewModel(BaseModel):
    """A model as it is asked for."""

    name: str
    project_id: str
    description: str | None = None
    tags: list[str] = []


class ModelChange(BaseModel):
    """What is to change of a model; null changes nothing."""

    description: str | None = None
    tags: list[str] | None = None


class NewVersion(BaseModel):
    """A version as it is asked for."""

    version: str
    description: str | None = None
    stage: Stage = "none"
    tags: list[str] = []
    metadata: dict[str, Any] = {}
    run_id: str | None = None
    artifact_version_id: str | None = None
    metrics: dict[str, float] = {}


class VersionChange(BaseModel):
    """What is to change of a version; null changes nothing."""

    description: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None


class NewTransition(BaseModel):
    """Where to, and why."""

    stage: Stage
    comment: str | None = None


class ProjectWords(BaseModel):
    """The query of a summary."""

    project_id: str | None = None


class ModelsWords(ProjectWords):
    """The query of a list of models."""

    search: str | None = None
    skip: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=0, le=LIMIT_MAX)


class VersionsWords(BaseModel):
    """The query of a list of versions."""

    stage: Stage | None = None
    skip: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=0, le=LIMIT_MAX)


class LatestWords(BaseModel):
    """The query of the latest version in a stage."""

    model_id: uuid.UUID


class StagePath(BaseModel):
    """A stage in a path."""

    stage: Stage


class IdPath(BaseModel):
    """An id in a path."""

    id: uuid.UUID


def project_of(project_id: str) -> str:
    """Return the name of the project that an id means: its name, or a UUID in any spelling."""
    try:
        return str(uuid.UUID(project_id))
    except ValueError:
        return names.project_name(project_id)


def artifact_uri_of(artifact_version_id: str | None) -> str | None:
    """Return where a version's files are, in our words."""
    return None if artifact_version_id is None else _ARTIFACT + artifact_version_id


def id_of(uid: str) -> str:
    """Return a uid as a UUID is usually written."""
    return str(uuid.UUID(uid))


def model_out(model: RegisteredModel) -> dict[str, Any]:
    """Return a model."""
    return {
        "id": id_of(model.uid),
        "name": model.name,
        "project_id": model.project,
        "description": model.description or None,
        "tags": tag_list(model.tags),
        "created_by": model.created_by,
        "created_at": to_text(model.created_at),
        "updated_at": to_text(model.updated_at),
    }


def version_out(version: ModelVersion, model: RegisteredModel) -> dict[str, Any]:
    """Return a version of a model."""
    uri = version.artifact_uri or ""
    approved = version.approved_at
    return {
        "id": id_of(version.uid),
        "model_id": id_of(model.uid),
        "version": version.label,
        "description": version.description or None,
        "stage": version.stage.casefold(),
        "tags": tag_list(version.tags),
        "metadata": version.metadata,
        "run_id": version.run_id,
        "artifact_version_id": uri.removeprefix(_ARTIFACT) if uri.startswith(_ARTIFACT) else None,
        "metrics": {name: float(value) for name, value in version.metrics.items()},
        "approved_by": version.approved_by,
        "approved_at": None if approved is None else to_text(approved),
        "created_at": to_text(version.created_at),
        "updated_at": to_text(version.updated_at),
    }


def transition_out(passage: Transition, version: ModelVersion) -> dict[str, Any]:
    """Return a passage of a version."""
    return {
        "id": id_of(passage.uid),
        "model_version_id": id_of(version.uid),
        "from_stage": passage.from_stage.casefold(),
        "to_stage": passage.to_stage.casefold(),
        "comment": passage.comment or None,
        "transitioned_by": passage.actor,
        "transitioned_at": to_text(passage.at),
    }
