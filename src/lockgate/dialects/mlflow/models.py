"""MLflow's calls on registered models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.dialects.mlflow import filters, words
from lockgate.dialects.mlflow.namespace import Namespace, model_missing
from lockgate.dialects.mlflow.problems import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    MlflowProblem,
)
from lockgate.dialects.mlflow.requests import Given, at_most, optional, require, tags, text, texts
from lockgate.dialects.mlflow.searching import collect
from lockgate.dialects.mlflow.shapes import model_version
from lockgate.domain.mlflow_messages import is_prompt
from lockgate.domain.models import RegisteredModel
from lockgate.domain.presets import DEFAULT_LIFECYCLE
from lockgate.errors import AliasNotFound, AlreadyExists, StageEmpty, VersionNotFound
from lockgate.registry import Registry

LIFECYCLE, OF_PROMPTS = "open", "unstaged"
PAGE_ITEMS, PAGE_ITEMS_MAX = 100, 1_000
Answer = dict[str, Any]


def create(namespace: Namespace, given: Given) -> Answer:
    """Make a model, or a prompt."""
    name = require(given, "name")
    tagged = words.tags(optional(given, "tags", tags, {}))
    description = optional(given, "description", text, "")
    full_name = namespace.full_name(name)
    registry = namespace.registry
    try:
        made = registry.create_model(
            full_name,
            description=description,
            tags=tagged,
            lifecycle=lifecycle_for(registry, namespace.project, tagged),
        )
    except AlreadyExists:
        raise _taken(name, is_prompt(tagged), namespace) from None
    return {"registered_model": namespace.shown(made)}


def get(namespace: Namespace, given: Given) -> Answer:
    """Return a model."""
    return {"registered_model": namespace.shown(namespace.model(require(given, "name")))}


def update(namespace: Namespace, given: Given) -> Answer:
    """Change a model's description."""
    name = require(given, "name")
    description = optional(given, "description", text, "")
    return _changed(namespace, name, description=description)


def rename(namespace: Namespace, given: Given) -> Answer:
    """Give a model another name."""
    name = require(given, "name")
    new_name = words.model_name(require(given, "new_name"), "new_name")
    try:
        return _changed(namespace, name, new_name=new_name)
    except AlreadyExists:
        raise MlflowProblem(
            RESOURCE_ALREADY_EXISTS, f"Registered Model (name={new_name}) already exists."
        ) from None


def delete(namespace: Namespace, given: Given) -> Answer:
    """Delete a model; our own client can restore it.

    MLflow has no word for force. So a version in production protects its model only under a
    lifecycle that a person chose.
    """
    name = require(given, "name")
    found = namespace.model(name)
    with model_missing(name):
        namespace.registry.delete_model(found.full_name, force=unguarded(found))
    return {}


def search(namespace: Namespace, given: Given) -> Answer:
    """Return a page of models, by name unless ordered."""
    most = optional(given, "max_results", at_most(PAGE_ITEMS_MAX), PAGE_ITEMS)
    where = filters.our_filter(optional(given, "filter", text), filters.MODELS)
    order = filters.our_order(optional(given, "order_by", texts, []), filters.MODELS)
    found, token = collect(
        lambda limit, cursor: namespace.registry.search_models(
            where, order_by=order, project=namespace.project, limit=limit, cursor=cursor
        ),
        most,
        optional(given, "page_token", text),
    )
    answer: Answer = {"registered_models": [namespace.shown(model) for model in found]}
    return answer | {"next_page_token": token} if token else answer


def get_latest(namespace: Namespace, given: Given) -> Answer:
    """Return the latest version in each stage, or in each of those named."""
    name = require(given, "name")
    stages = optional(given, "stages", texts, [])
    with model_missing(name):
        if stages:
            found = namespace.latest_in(name, stages)
        else:
            found = list(namespace.registry.get_latest_by_stage(namespace.full_name(name)))
    return {"model_versions": [model_version(version) for version in found]}


def set_tag(namespace: Namespace, given: Given) -> Answer:
    """Tag a model."""
    name = require(given, "name")
    tag = {require(given, "key"): optional(given, "value", text, "")}
    _change(namespace, name, tags=words.tags(tag))
    return {}


def delete_tag(namespace: Namespace, given: Given) -> Answer:
    """Take a tag off a model, if it is there."""
    name = require(given, "name")
    _change(namespace, name, tags={words.tag_key(require(given, "key")): None})
    return {}


def set_alias(namespace: Namespace, given: Given) -> Answer:
    """Make an alias name a version."""
    name = require(given, "name")
    alias = words.new_alias(require(given, "alias"))
    found = namespace.version(name, require(given, "version"))
    namespace.registry.set_alias(namespace.full_name(name), alias, found.label)
    return {}


def delete_alias(namespace: Namespace, given: Given) -> Answer:
    """Take an alias away, if it is there."""
    name = require(given, "name")
    alias = words.alias(require(given, "alias"))
    try:
        with model_missing(name):
            namespace.registry.delete_alias(namespace.full_name(name), alias)
    except AliasNotFound:
        return {}
    return {}


def get_by_alias(namespace: Namespace, given: Given) -> Answer:
    """Return the version that an alias, a stage or ``latest`` names."""
    name = require(given, "name")
    alias = words.alias(require(given, "alias"))
    full_name = namespace.full_name(name)
    try:
        with model_missing(name):
            found = namespace.registry.resolve(f"{full_name}@{alias}")
    except (AliasNotFound, StageEmpty):
        raise MlflowProblem(
            INVALID_PARAMETER_VALUE, f"Registered model alias {alias} not found."
        ) from None
    except VersionNotFound:
        raise MlflowProblem(
            RESOURCE_DOES_NOT_EXIST, f"Latest version not found for model {name}."
        ) from None
    return {"model_version": model_version(found)}


def _change(namespace: Namespace, name: str, **changes: Any) -> Any:
    with model_missing(name):
        return namespace.registry.update_model(namespace.full_name(name), **changes)


def lifecycle_for(registry: Registry, project: str, tagged: Mapping[str, str]) -> str | None:
    """Return the lifecycle of a new model or prompt; None where the project chose one."""
    if registry.get_project(project).lifecycle != DEFAULT_LIFECYCLE:
        return None
    return OF_PROMPTS if is_prompt(dict(tagged)) else LIFECYCLE


def unguarded(model: RegisteredModel) -> bool:
    """Say whether a model has its lifecycle because nobody chose one: a delete means it then."""
    return model.lifecycle in (LIFECYCLE, OF_PROMPTS)


def _changed(namespace: Namespace, name: str, **changes: Any) -> Answer:
    return {"registered_model": namespace.shown(_change(namespace, name, **changes))}


def _taken(name: str, prompt: bool, namespace: Namespace) -> MlflowProblem:
    """Return the refusal of a name that a model or a prompt has: MLflow tells them apart."""
    new = "Prompt" if prompt else "Registered Model"
    old = "Prompt" if is_prompt(dict(namespace.model(name).tags)) else "Registered Model"
    told = f"{new} (name={name}) already exists."
    if old != new:
        told = (
            f"Tried to create a {new.lower()} with name {name!r}, but the name is already taken "
            f"by a {old.lower()}. MLflow does not allow creating a model and a prompt with the "
            "same name."
        )
    return MlflowProblem(RESOURCE_ALREADY_EXISTS, told)
