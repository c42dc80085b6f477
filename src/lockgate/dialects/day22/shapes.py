"""Day22's words: what its clients send, and what they get.

ours                          Day22's
artifact_uri                  artifact_url
metadata                      meta
tag without a value           an entry of tags
uid                           id (a number made of the uid's beginning)
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from lockgate.dialects.details import tag_list
from lockgate.domain.audit import AuditEvent
from lockgate.domain.models import RegisteredModel
from lockgate.domain.moments import to_text
from lockgate.domain.versions import ModelVersion

ACTIONS = {
    "create_model": "create_model",
    "register_version": "create_version",
    "transition": "transition",
    "transition_noop": "transition",
}
"""Ours → Day22's; other events are none of its."""
ROLLED_BACK = "rollback_to"
"""The comment of a passage that its client called a rollback."""
_ID_DIGITS = 13  # 52 bits, which a number of JSON holds exactly everywhere


class NewModel(BaseModel):
    """A model as it is asked for."""

    name: str
    owner: str | None = None
    description: str | None = None


class NewVersion(BaseModel):
    """A version as it is asked for."""

    version: str
    artifact_url: str | None = None
    tags: list[str] = []
    meta: dict[str, Any] = {}


class NewTransition(BaseModel):
    """Where to, and who says so."""

    to_stage: str
    actor: str | None = None
    rollback_to: bool = False


def model_out(model: RegisteredModel) -> dict[str, Any]:
    """Return a model."""
    return {
        "id": int(model.uid[:_ID_DIGITS], 16),
        "name": model.name,
        "owner": model.owner,
        "description": model.description or None,
        "created_at": to_text(model.created_at),
    }


def version_out(version: ModelVersion) -> dict[str, Any]:
    """Return a version."""
    return {
        "id": int(version.uid[:_ID_DIGITS], 16),
        "version": version.label,
        "stage": version.stage,
        "artifact_url": version.artifact_uri,
        "tags": tag_list(version.tags),
        "meta": version.metadata,
        "created_at": to_text(version.created_at),
    }


def event_out(event: AuditEvent) -> dict[str, Any]:
    """Return an event of one of `ACTIONS`."""
    detail = event.detail
    stays = event.action == "transition_noop"
    return {
        "id": event.seq,
        "model_name": event.model,
        "version": event.version,
        "action": ACTIONS[event.action],
        "actor": event.actor,
        "from_stage": detail["stage"] if stays else detail.get("from"),
        "to_stage": detail["stage"] if stays else detail.get("to"),
        "detail": _detail(event),
        "created_at": to_text(event.at),
    }


def _detail(event: AuditEvent) -> dict[str, Any]:
    detail = event.detail
    if event.action == "create_model":
        return {"owner": detail["owner"], "lifecycle": detail["lifecycle"]}
    if event.action == "register_version":
        return {"artifact_url": detail["artifact_uri"]}
    said = {"rollback_to": detail["comment"] == ROLLED_BACK}
    if "displaced_by" in detail:
        return {**said, "displaced_by": detail["displaced_by"]}
    return said
