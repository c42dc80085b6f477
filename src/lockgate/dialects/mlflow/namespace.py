"""MLflow's one namespace of models: a project of ours, and who acts in it.

The project is the MLflow workspace that the client names (``mlflow.set_workspace``, or
``MLFLOW_WORKSPACE``), ``default`` when it names none: a model's name holds no project, since
MLflow lets no name hold a slash.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.types import Scope

from lockgate.dialects.mlflow import words
from lockgate.dialects.mlflow.problems import RESOURCE_DOES_NOT_EXIST, MlflowProblem
from lockgate.dialects.mlflow.shapes import registered_model
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.models import RegisteredModel
from lockgate.domain.names import project_name
from lockgate.domain.references import DEFAULT_PROJECT
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidInput, ModelNotFound, StageEmpty, VersionNotFound
from lockgate.http.auth import registry_for
from lockgate.registry import Registry

WORKSPACE_HEADER = b"x-mlflow-workspace"


@dataclass(frozen=True, slots=True)
class Namespace:
    """The models of a project, by the names and numbers that MLflow has for them."""

    registry: Registry
    project: str
    origin: str = ""
    """This server as the client calls it, ``http://host:port``."""

    @property
    def host(self) -> str:
        """The name and port that the client called."""
        return self.origin.partition("://")[2]

    def full_name(self, name: str) -> str:
        """Return a model's name with its project, once it is a name to MLflow."""
        return f"{self.project}/{words.model_name(name)}"

    def model(self, name: str) -> RegisteredModel:
        """Return a model, or refuse as MLflow does."""
        with model_missing(name):
            return self.registry.get_model(self.full_name(name))

    def version(self, name: str, version: str) -> ModelVersion:
        """Return the version of that number, whatever its label, or refuse as MLflow does."""
        full_name = self.full_name(name)
        number = words.version_number(version)
        found: ModelVersion | None
        try:
            found = self.registry.get_version(full_name, number)
        except ModelNotFound:
            raise version_missing(name, version) from None
        except VersionNotFound:
            found = None
        if found is None or found.seq != number:  # a label may be another version's number
            found = self._numbered(name, number)
        if found is None:
            raise version_missing(name, version)
        return found

    def lifecycle(self, model: RegisteredModel) -> Lifecycle:
        """Return the lifecycle that a model is pinned to."""
        return self.registry.get_lifecycle(model.lifecycle, model.lifecycle_revision)

    def latest_in(self, name: str, stages: list[str]) -> list[ModelVersion]:
        """Return the latest version in each of ``stages`` that has one."""
        found: dict[str, ModelVersion] = {}
        for stage in stages:
            try:
                with self.stage_known(name, stage):
                    version = self.registry.get_latest(self.full_name(name), stage)
            except StageEmpty:
                continue
            found[version.uid] = version
        return list(found.values())

    @contextmanager
    def stage_known(self, name: str, stage: str) -> Iterator[None]:
        """Say in MLflow's words that the model's lifecycle has no such stage."""
        try:
            yield
        except InvalidInput as error:
            if error.fields.get("field") != "stage":
                raise
            known = self.lifecycle(self.model(name)).stages
            raise words.invalid_stage(
                stage, tuple(words.shown_stage(each.name) for each in known)
            ) from None

    def shown(self, model: RegisteredModel) -> dict[str, Any]:
        """Return a model in MLflow's shape, with its latest versions and aliases."""
        aliases = {
            alias: self.registry.get_version(model.full_name, label).seq
            for alias, label in model.aliases.items()
        }
        latest = self.registry.get_latest_by_stage(model.full_name) if model.version_count else ()
        return registered_model(model, latest, aliases)

    def _numbered(self, name: str, number: int) -> ModelVersion | None:
        if number < 1:
            return None
        quoted = name.replace("'", "''")
        where = f"name = '{quoted}' AND seq = {number}"
        found = self.registry.search(where, project=self.project, limit=1)
        return found[0] if found else None


def namespace_of(scope: Scope) -> Namespace:
    """Return the namespace that a request is about, acting as whoever sent it."""
    project, host = DEFAULT_PROJECT, ""
    for header, value in scope["headers"]:
        if header == b"host":
            host = value.decode("latin-1").lower()
        if header == WORKSPACE_HEADER and value.strip():
            project = project_name(unquote(value.decode("latin-1")).strip())
    return Namespace(registry_for(scope), project, f"{scope['scheme']}://{host}")


@contextmanager
def model_missing(name: str) -> Iterator[None]:
    """Say in MLflow's words that there is no such model."""
    try:
        yield
    except ModelNotFound:
        raise MlflowProblem(
            RESOURCE_DOES_NOT_EXIST, f"Registered Model with name={name} not found"
        ) from None


def version_missing(name: str, version: str) -> MlflowProblem:
    """Return the refusal of a version that is not there."""
    return MlflowProblem(
        RESOURCE_DOES_NOT_EXIST, f"Model Version (name={name}, version={version}) not found"
    )
