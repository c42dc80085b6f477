"""Our models and versions in MLflow's JSON: integer versions, millisecond times, its stages.

A version is called by its number (``seq``); its label stays ours. What MLflow says of a version
and we have no field for lies in its metadata, under the keys here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from lockgate.dialects.mlflow.words import shown_stage
from lockgate.domain.models import RegisteredModel
from lockgate.domain.moments import to_micros
from lockgate.domain.versions import ModelVersion

MODEL_ID = "mlflow.model_id"
RUN_LINK = "mlflow.run_link"
STORAGE_LOCATION = "mlflow.storage_location"
"""Where the files of a version are that is a copy of another one."""


def registered_model(
    model: RegisteredModel,
    latest: Iterable[ModelVersion] = (),
    aliases: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return a model; ``latest`` in each stage, ``aliases`` with the numbers they name."""
    named = (aliases or {}).items()
    return {
        "name": model.name,
        "creation_timestamp": millis(model.created_at),
        "last_updated_timestamp": millis(model.updated_at),
        "description": model.description,
        "latest_versions": [model_version(version) for version in latest],
        "tags": tag_list(model.tags),
        "aliases": [{"alias": alias, "version": str(seq)} for alias, seq in named],
    }


def model_version(version: ModelVersion) -> dict[str, Any]:
    """Return a version."""
    shape = {
        "name": version.model,
        "version": str(version.seq),
        "creation_timestamp": millis(version.created_at),
        "last_updated_timestamp": millis(version.updated_at),
        "user_id": version.created_by,
        "current_stage": shown_stage(version.stage),
        "description": version.description,
        "source": source_of(version),
        "run_id": version.run_id or "",
        "status": "READY",
        "tags": tag_list(version.tags),
        "run_link": version.metadata.get(RUN_LINK, ""),
        "aliases": list(version.aliases),
    }
    if MODEL_ID in version.metadata:
        shape["model_id"] = version.metadata[MODEL_ID]
    return shape


def source_of(version: ModelVersion) -> str:
    """Return where a version was registered from."""
    return version.artifact_uri or ""


def storage_of(version: ModelVersion) -> str:
    """Return where an MLflow client downloads a version's files from."""
    location: str | None = version.metadata.get(STORAGE_LOCATION)
    return location or source_of(version)


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as MLflow lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def millis(moment: datetime) -> int:
    """Return a moment in milliseconds since the epoch."""
    return to_micros(moment) // 1_000
