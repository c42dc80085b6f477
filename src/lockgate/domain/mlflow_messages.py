"""What MLflow's webhooks say: an event of ours as MLflow's entities and actions.

    {"entity": "model_version", "action": "created", "timestamp", "data": {"name", "version", …}}

A prompt is a model with a tag that says so; what happens to it has names of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate.domain.audit import AuditEvent

IS_PROMPT = "mlflow.prompt.is_prompt"
PROMPT_TEXT = "mlflow.prompt.text"
_UNTOLD = frozenset({IS_PROMPT, PROMPT_TEXT, "_mlflow_prompt_type"})
_EXAMPLE = "example_model", "example_prompt"
_EXAMPLE_OF = {
    "registered_model": "An example registered model",
    "model_version": "An example model version",
    "prompt": "An example prompt",
    "prompt_version": "An example prompt version",
}

EVENTS = (
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
)
"""What a webhook of MLflow's form may ask for."""
_OF_PROMPTS = {
    "registered_model": "prompt",
    "model_version": "prompt_version",
    "model_version_tag": "prompt_version_tag",
    "model_version_alias": "prompt_alias",
}

Named = tuple[str, Mapping[str, Any]]
"""An event of MLflow's and its data."""


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Say whether tags make a model, or a version, a prompt."""
    return tags.get(IS_PROMPT, "").lower() == "true"


def is_of_prompt(name: str) -> bool:
    """Say whether an event of MLflow's is about a prompt."""
    return name.startswith("prompt")


def mlflow_events(event: AuditEvent, known: Mapping[str, Any]) -> list[Named]:
    """Return what MLflow calls an event of ours; several where it set several tags, or nothing.

    ``known``: tags, description and source of what was made; the version's ``number``, which is
    what MLflow calls its version; whether it is about a ``prompt``.
    """
    prompt = known.get("prompt", False)
    found = _found(event, known)
    if not prompt:
        return [(name, data) for name, data in found if not is_of_prompt(name)]
    return [(_of_prompt(name), data) for name, data in found]


def example_event(name: str) -> Named:
    """Return an event of MLflow's that has not happened, as MLflow's own server makes it up."""
    entity, action = name.split(".")
    data: dict[str, Any] = {"name": _EXAMPLE[is_of_prompt(name)]}
    if entity not in ("registered_model", "prompt", "prompt_tag", "prompt_alias"):
        data["version"] = "1"
    if entity.endswith("_tag"):
        data["key"] = "example_key"
        if action == "set":
            data["value"] = "example_value"
    elif entity.endswith("_alias"):
        data["alias"] = "example_alias"
        data.pop("version", None)
        if action == "created":
            data["version"] = "1"
    else:
        data |= {"tags": {"example_key": "example_value"}, "description": _EXAMPLE_OF[entity]}
    if entity == "model_version":
        data |= {"source": "models:/123", "run_id": "abcd1234abcd5678"}
    elif entity == "prompt_version":
        data["template"] = "Hello {{name}}!"
    return name, data


def _found(event: AuditEvent, known: Mapping[str, Any]) -> Iterator[Named]:
    detail = event.detail
    of_model = {"name": event.model}
    of_version = of_model | {"version": known.get("number") or event.version}
    told = {"tags": known.get("tags", {}), "description": known.get("description") or None}
    if event.action == "create_model":
        yield "registered_model.created", of_model | _shown(told, known)
    elif event.action == "register_version":
        if known.get("prompt", False):
            template = {"template": told["tags"].get(PROMPT_TEXT)}
            yield "prompt_version.created", of_version | template | _shown(told, known)
        else:
            came = {
                "source": detail.get("artifact_uri") or known.get("source") or "",
                "run_id": detail.get("run_id"),
            }
            yield "model_version.created", of_version | came | told
    elif event.action == "update_model":
        yield from _tags("prompt_tag", of_model, detail)
    elif event.action == "update_version":
        yield from _tags("model_version_tag", of_version, detail)
    elif event.action == "set_alias":
        yield "model_version_alias.created", {**of_version, "alias": detail["alias"]}
    elif event.action == "delete_alias":
        yield "model_version_alias.deleted", {**of_model, "alias": detail["alias"]}


def _shown(told: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return tags and description without the tags by which MLflow keeps a prompt."""
    if not known.get("prompt", False):
        return told
    tags = {key: value for key, value in told["tags"].items() if key not in _UNTOLD}
    return told | {"tags": tags}


def _tags(entity: str, about: dict[str, Any], detail: Mapping[str, Any]) -> Iterator[Named]:
    """Return an event for every tag that a change set or took away."""
    before, after = detail.get("changes", {}).get("tags") or ({}, {})
    for key, value in sorted(after.items()):
        if before.get(key) != value:
            yield f"{entity}.set", {**about, "key": key, "value": value}
    for key in sorted(before.keys() - after.keys()):
        yield f"{entity}.deleted", {**about, "key": key}


def _of_prompt(name: str) -> str:
    entity, action = name.split(".")
    return f"{_OF_PROMPTS.get(entity, entity)}.{action}"
