"""wanLLMDB's model registry: its paths and sentences, on our verbs."""

from __future__ import annotations

from functools import partial
from typing import Any

from lockgate.dialects.details import (
    Asked,
    Refusal,
    read,
    route,
    stretch,
    tag_mapping,
    told,
    voice,
    with_rest,
)
from lockgate.dialects.wanllmdb.shapes import (
    IdPath,
    LatestWords,
    ModelChange,
    ModelsWords,
    NewModel,
    NewTransition,
    NewVersion,
    ProjectWords,
    StagePath,
    VersionChange,
    VersionsWords,
    artifact_uri_of,
    model_out,
    project_of,
    transition_out,
    version_out,
)
from lockgate.domain.models import RegisteredModel
from lockgate.domain.references import parse_reference
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    AlreadyExists,
    InvalidInput,
    ModelNotFound,
    NotFound,
    ProjectNotFound,
    RegistryError,
    StageEmpty,
    VersionNotFound,
)
from lockgate.registry import Registry
from lockgate.services.editing import Exactly

ROOT = "/api/v1/registry"
PREFIX = f"{ROOT}/models"
LIFECYCLE = "single"
VERSIONS_MAX = 10_000
NO_MODEL = "Model not found"
NO_VERSION = "Model version not found"


def create_model(asked: Asked) -> dict[str, Any]:
    """Make a model, and its project when that id is new."""
    body = asked.body(NewModel)
    project = project_of(body.project_id)
    name = f"{project}/{body.name}"
    taken = Refusal(409, f"Model '{body.name}' already exists in this project")
    make = partial(
        asked.registry.create_model,
        name,
        description=body.description or "",
        tags=tag_mapping(body.tags),
        lifecycle=LIFECYCLE,
    )
    try:
        # A model of another lifecycle may have one that returns what is there.
        if _find_model(asked.registry, name) is not None:
            raise taken
        return model_out(make())
    except ProjectNotFound:
        _make_project(asked.registry, project)
        return model_out(make())
    except AlreadyExists:
        raise taken from None


def list_models(asked: Asked) -> dict[str, Any]:
    """List models, the newest first; ``search`` is a part of the name."""
    words = asked.query(ModelsWords)
    project = None if words.project_id is None else project_of(words.project_id)
    where = f"name ILIKE '%{_literally(words.search)}%'" if words.search else ""
    fetch = partial(
        asked.registry.list_models, project=project, filter=where, order_by="created_at DESC"
    )
    items: list[RegisteredModel] = []
    try:
        total = asked.registry.count_models(where, project=project)
        if words.skip < total:
            items = stretch(fetch, words.skip, words.limit)
    except ProjectNotFound:
        total = 0
    return _page([model_out(model) for model in items], total, words)


def get_summary(asked: Asked) -> dict[str, Any]:
    """Count models, versions, and versions by stage."""
    given = asked.query(ProjectWords).project_id
    try:
        counts = asked.registry.summary(project=None if given is None else project_of(given))
    except ProjectNotFound:
        return {"total_models": 0, "total_versions": 0, "by_stage": {}}
    by_stage: dict[str, int] = {}
    for stage, count in counts.by_stage.items():
        by_stage[stage.casefold()] = by_stage.get(stage.casefold(), 0) + count
    return {
        "total_models": counts.total_models,
        "total_versions": counts.total_versions,
        "by_stage": by_stage,
    }


def get_model(asked: Asked) -> dict[str, Any]:
    """Return a model with its versions, the newest first."""
    model = _model(asked)
    fetch = partial(asked.registry.list_versions, model.full_name)
    versions = stretch(fetch, 0, VERSIONS_MAX)
    return {**model_out(model), "versions": [version_out(each, model) for each in versions]}


def update_model(asked: Asked) -> dict[str, Any]:
    """Change a model's description or tags."""
    body = asked.body(ModelChange)
    model = _model(asked)
    return model_out(asked.registry.update_model(model.full_name, **_changes(body, model)))


def delete_model(asked: Asked) -> None:
    """Delete a model, whatever stands where."""
    asked.registry.delete_model(_model(asked).full_name, force=True)


def create_version(asked: Asked) -> dict[str, Any]:
    """Register a version."""
    body = asked.body(NewVersion)
    model = _model(asked)
    taken = Refusal(409, f"Version '{body.version}' already exists")
    # A lifecycle may return the version that is there.
    if _find_version(asked.registry, model, body.version) is not None:
        raise taken
    try:
        version = asked.registry.register_model(
            model.full_name,
            body.version,
            artifact_uri_of(body.artifact_version_id),
            description=body.description or "",
            stage=None if body.stage == "none" else body.stage,
            tags=tag_mapping(body.tags),
            metadata=body.metadata,
            metrics=body.metrics,
            run_id=body.run_id,
        )
    except AlreadyExists:
        raise taken from None
    return version_out(version, model)


def list_versions(asked: Asked) -> dict[str, Any]:
    """List a model's versions, the newest first."""
    words = asked.query(VersionsWords)
    model = _model(asked)
    registry, name = asked.registry, model.full_name
    by_stage = registry.summary(model=name).by_stage
    total = sum(n for at, n in by_stage.items() if words.stage in (None, at.casefold()))
    items: list[ModelVersion] = []
    if words.skip < total:
        fetch = partial(registry.list_versions, name, stage=words.stage)
        items = stretch(fetch, words.skip, words.limit)
    return _page([version_out(each, model) for each in items], total, words)


def get_version(asked: Asked) -> dict[str, Any]:
    """Return a version by its label."""
    reference = _located(asked, asked.path["model_id"], NO_VERSION)
    model = _find_model(asked.registry, reference)
    if model is not None:
        version = _find_version(asked.registry, model, asked.path["version"])
        if version is not None:
            return version_out(version, model)
    raise Refusal(404, NO_VERSION)


def get_latest(asked: Asked) -> dict[str, Any]:
    """Return the latest version that stands in a stage."""
    stage = _path(StagePath, stage=asked.path["stage"]).stage
    words = asked.query(LatestWords)
    none = Refusal(404, f"No version found in stage '{stage}'")
    model = _find_model(asked.registry, _located(asked, str(words.model_id), none.detail))
    if model is None:
        raise none
    try:
        return version_out(asked.registry.get_latest(model.full_name, stage), model)
    except (StageEmpty, InvalidInput):  # in it is none, or the model's lifecycle lacks it
        raise none from None


def update_version(asked: Asked) -> dict[str, Any]:
    """Change a version's description, tags or metadata."""
    body = asked.body(VersionChange)
    model, version = _version(asked)
    changes = _changes(body, version)
    if body.metadata is not None:
        changes["metadata"] = Exactly(body.metadata)
    after = asked.registry.update_version(model.full_name, version.label, **changes)
    return version_out(after, model)


def delete_version(asked: Asked) -> None:
    """Delete a version, wherever it stands."""
    model, version = _version(asked)
    asked.registry.delete_version(model.full_name, version.label, force=True)


def transition(asked: Asked) -> dict[str, Any]:
    """Take a version to another stage."""
    body = asked.body(NewTransition)
    model, version = _version(asked)
    done = asked.registry.transition(
        model.full_name, version.label, body.stage, comment=body.comment or ""
    )
    return version_out(done.version, model)


def list_transitions(asked: Asked) -> dict[str, Any]:
    """List a version's passages, the newest first."""
    model, version = _version(asked)
    passages = asked.registry.get_transitions(model.full_name, version.label)
    items = [transition_out(passage, version) for passage in reversed(passages)]
    return {"items": items, "total": len(items)}


def _tell(error: RegistryError) -> tuple[int, Any]:
    if isinstance(error, ModelNotFound):
        return 404, NO_MODEL
    if isinstance(error, VersionNotFound):
        return 404, NO_VERSION
    return told(error)


def _located(asked: Asked, uid: str, missing: str) -> str:
    """Return what an id of a path belongs to now. Raises `Refusal`."""
    key = _path(IdPath, id=uid).id
    try:
        return asked.registry.locate(key.hex)
    except NotFound:
        raise Refusal(404, missing) from None


def _model(asked: Asked) -> RegisteredModel:
    model = _find_model(asked.registry, _located(asked, asked.path["model_id"], NO_MODEL))
    if model is None:
        raise Refusal(404, NO_MODEL)
    return model


def _version(asked: Asked) -> tuple[RegisteredModel, ModelVersion]:
    reference = _located(asked, asked.path["version_id"], NO_VERSION)
    if ":" not in reference:
        raise Refusal(404, NO_VERSION)
    parsed = parse_reference(reference)
    name = f"{parsed.project}/{parsed.model}"
    version = asked.registry.get_version(name, parsed.selector)
    return asked.registry.get_model(name), version


def _find_model(registry: Registry, name: str) -> RegisteredModel | None:
    """Return a model, or None; a version's reference is none either."""
    try:
        return None if ":" in name else registry.get_model(name)
    except ModelNotFound:
        return None


def _find_version(registry: Registry, model: RegisteredModel, label: str) -> ModelVersion | None:
    """Return the version with this label (and not the one with this number), or None."""
    try:
        version = registry.get_version(model.full_name, label)
    except VersionNotFound:
        return None
    return version if version.label == label else None


def _make_project(registry: Registry, project: str) -> None:
    try:
        registry.create_project(project, lifecycle=LIFECYCLE)
    except AlreadyExists:
        return  # somebody else was first


def _changes(body: ModelChange | VersionChange, before: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if body.description is not None:
        changes["description"] = body.description
    if body.tags is not None:
        changes["tags"] = Exactly(tag_mapping(body.tags, before.tags))
    return changes


def _page(items: list[dict[str, Any]], total: int, words: Any) -> dict[str, Any]:
    return {"items": items, "total": total, "skip": words.skip, "limit": words.limit}


def _path(shape: type[Any], **values: str) -> Any:
    """Return a value of the path as ``shape``. Raises `Refusal` (422)."""
    return read(shape, values, "path")


def _literally(text: str) -> str:
    """Return ``text`` for a pattern of the search language, in which it means itself."""
    for sign in "\\%_":
        text = text.replace(sign, "\\" + sign)
    return text.replace("'", "''")


routes = with_rest(
    [
        route("POST", PREFIX, create_model, _tell, 201),
        route("GET", PREFIX, list_models, _tell),
        route("GET", PREFIX + "/summary", get_summary, _tell),
        route("GET", PREFIX + "/stages/{stage}/latest", get_latest, _tell),
        route("PATCH", PREFIX + "/versions/{version_id}", update_version, _tell),
        route("DELETE", PREFIX + "/versions/{version_id}", delete_version, _tell, 204),
        route("POST", PREFIX + "/versions/{version_id}/transition", transition, _tell),
        route("GET", PREFIX + "/versions/{version_id}/transitions", list_transitions, _tell),
        route("GET", PREFIX + "/{model_id}", get_model, _tell),
        route("PATCH", PREFIX + "/{model_id}", update_model, _tell),
        route("DELETE", PREFIX + "/{model_id}", delete_model, _tell, 204),
        route("POST", PREFIX + "/{model_id}/versions", create_version, _tell, 201),
        route("GET", PREFIX + "/{model_id}/versions", list_versions, _tell),
        route("GET", PREFIX + "/{model_id}/versions/{version}", get_version, _tell),
    ],
    ROOT,
)
VOICES = {ROOT: voice}
