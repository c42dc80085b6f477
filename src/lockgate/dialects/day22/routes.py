"""Day22's model registry: its paths and sentences, on our verbs.

It knows no projects: its models are those of the registry's own project.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from lockgate.dialects.day22.shapes import (
    ACTIONS,
    ROLLED_BACK,
    NewModel,
    NewTransition,
    NewVersion,
    event_out,
    model_out,
    version_out,
)
from lockgate.dialects.details import (
    Asked,
    Refusal,
    route,
    stretch,
    tag_mapping,
    told,
    voice,
    with_rest,
)
from lockgate.domain.audit import AuditEvent
from lockgate.domain.pages import Page
from lockgate.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    ModelNotFound,
    RegistryError,
    StageEmpty,
    TransitionNotAllowed,
    VersionNotFound,
)
from lockgate.http.auth import takes_word_for_actor
from lockgate.registry import Registry

LIFECYCLE = "strict"
LISTED_MAX = 10_000
"""Day22 has no pages: lists end here, that of the log with the newest."""


def say_ok(_asked: Asked) -> dict[str, Any]:
    """Say that the process answers."""
    return {"ok": True}


def create_model(asked: Asked) -> dict[str, Any]:
    """Make a model, or return the one of that name."""
    body = asked.body(NewModel)
    registry = _acting(asked, body.owner)
    name = f"{registry.project}/{body.name}"
    make = partial(
        registry.create_model,
        name,
        owner=body.owner,
        description=body.description or "",
        lifecycle=LIFECYCLE,
    )
    try:
        return model_out(make())
    except AlreadyExists:  # a model of ours, whose lifecycle takes this for a conflict
        return model_out(registry.get_model(name))


def list_models(asked: Asked) -> list[dict[str, Any]]:
    """List the models, the oldest first."""
    registry = asked.registry
    fetch = partial(registry.list_models, project=registry.project, order_by="created_at")
    return [model_out(model) for model in stretch(fetch, 0, LISTED_MAX)]


def create_version(asked: Asked) -> dict[str, Any]:
    """Register a version of a model that is there."""
    body = asked.body(NewVersion)
    registry, name = asked.registry, asked.path["name"]
    full_name = registry.get_model(f"{registry.project}/{name}").full_name
    taken = Refusal(400, "Version already exists")
    if _is_there(registry, full_name, body.version):
        raise taken  # a lifecycle of ours may return it instead
    try:
        version = registry.register_model(
            full_name,
            body.version,
            body.artifact_url,
            tags=tag_mapping(body.tags),
            metadata=body.meta,
        )
    except AlreadyExists:
        raise taken from None
    return version_out(version)


def list_versions(asked: Asked) -> list[dict[str, Any]]:
    """List a model's versions, the oldest first."""
    registry, name = asked.registry, asked.path["name"]
    fetch = partial(registry.list_versions, f"{registry.project}/{name}")
    try:
        return [version_out(each) for each in reversed(stretch(fetch, 0, LISTED_MAX))]
    except ModelNotFound:
        raise Refusal(404, f"Model {name} not found") from None


def get_production(asked: Asked) -> dict[str, Any]:
    """Return the version in production."""
    registry = asked.registry
    try:
        return version_out(registry.production(f"{registry.project}/{asked.path['name']}"))
    except (ModelNotFound, StageEmpty):
        raise Refusal(404, "No production version") from None


def transition(asked: Asked) -> dict[str, Any]:
    """Take a version to another stage. What its client calls a rollback is noted as such."""
    body = asked.body(NewTransition)
    registry, label = _acting(asked, body.actor), asked.path["version"]
    name = f"{registry.project}/{asked.path['name']}"
    registry.get_model(name)
    if not _is_there(registry, name, label):
        raise Refusal(400, "Version not found")
    try:
        done = registry.transition(
            name, label, body.to_stage, comment=ROLLED_BACK if body.rollback_to else ""
        )
    except InvalidInput as error:
        allowed = error.fields.get("allowed")
        if allowed is None:
            raise
        sentence = f"Invalid stage '{body.to_stage}'. Allowed: {', '.join(allowed)}."
        raise Refusal(400, sentence) from None
    except TransitionNotAllowed as error:
        there, wanted = error.fields.get("from_stage"), error.fields.get("to_stage")
        raise Refusal(400, f"Illegal transition {there} → {wanted}") from None
    return version_out(done.version)


def list_audit(asked: Asked) -> list[dict[str, Any]]:
    """List what happened to models and versions, the oldest first."""

    def fetch(**page: Any) -> Page[AuditEvent]:
        return asked.registry.audit(newest_first=True, **page)

    newest = stretch(fetch, 0, LISTED_MAX)
    return [event_out(event) for event in reversed(newest) if event.action in ACTIONS]


def _acting(asked: Asked, named: str | None) -> Registry:
    """Return the registry acting as whom the body names, where callers are taken at their word."""
    if named and takes_word_for_actor(asked.scope):
        return asked.registry.acting_as(named)
    return asked.registry


def _is_there(registry: Registry, name: str, label: str) -> bool:
    """Say whether a model has a version with this label (and not just with this number)."""
    try:
        return registry.get_version(name, label).label == label
    except VersionNotFound:
        return False


def _tell(error: RegistryError) -> tuple[int, Any]:
    if isinstance(error, ModelNotFound):
        return 400, f"Model {error.fields['model']} not found"
    if isinstance(error, VersionNotFound):
        return 400, "Version not found"
    if isinstance(error, Conflict):
        return 400, str(error)
    return told(error)


first = [route("GET", "/healthz", say_ok, _tell)]
routes = with_rest(
    [
        *first,
        route("POST", "/models", create_model, _tell),
        route("GET", "/models", list_models, _tell),
        route("POST", "/models/{name}/versions", create_version, _tell),
        route("GET", "/models/{name}/versions", list_versions, _tell),
        route("GET", "/models/{name}/production", get_production, _tell),
        route("POST", "/models/{name}/versions/{version}/transition", transition, _tell),
        route("GET", "/audit", list_audit, _tell),
    ],
    "/models",
    "/audit",
)
VOICES = dict.fromkeys(("/healthz", "/models", "/audit"), voice)
