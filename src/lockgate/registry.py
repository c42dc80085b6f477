"""The registry in this process: every verb, straight onto the services.

`lockgate.sdk.Client` has the same verbs over HTTP; one suite of tests runs against both. A name
is ``name`` or ``project/name``; a version is its label or its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from lockgate.domain.access import Actor
from lockgate.domain.audit import AuditEvent
from lockgate.domain.comparison import Comparison
from lockgate.domain.history import Alias, Occupancy, Transition
from lockgate.domain.lifecycles import ARCHIVE, DEMOTE, PROMOTE, TRANSITION, Lifecycle
from lockgate.domain.models import RegisteredModel
from lockgate.domain.moments import parse_moment, to_micros
from lockgate.domain.pages import Page
from lockgate.domain.projects import Project
from lockgate.domain.references import DEFAULT_PROJECT, parse_reference, split_name
from lockgate.domain.summary import Summary
from lockgate.domain.verification import Verdict
from lockgate.domain.versions import ModelVersion
from lockgate.services import (
    aliases,
    auditing,
    catalog,
    editing,
    lifecycles,
    projects,
    promotion,
    registration,
    resolution,
    retention,
)
from lockgate.services.editing import Edit
from lockgate.services.promotion import Move, Promoted
from lockgate.storage.idempotency import Once
from lockgate.storage.store import Caller, Store

Moment = datetime | str | None


class Registry:
    """A registry on a database of its own. Thread-safe; close it, or use it in a ``with``."""

    def __init__(self, store: Store, actor: Actor, project: str = DEFAULT_PROJECT) -> None:
        self._store = store
        self._who = Caller(actor=actor)
        self.project = project

    def acting_as(self, actor: str | Actor, once: Once | None = None) -> Self:
        """Return this registry with another actor (and, for one write, an idempotency key)."""
        named = actor if isinstance(actor, Actor) else Actor.named(actor)
        other = type(self)(self._store, named, self.project)
        other._who = Caller(actor=named, once=once)
        return other

    @property
    def actor(self) -> str:
        """Who acts."""
        return self._who.name

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises `DatabaseUnavailable`."""
        projects.get_project(self._store, DEFAULT_PROJECT)

    # --- projects ----------------------------------------------------------------------------

    def create_project(
        self, name: str, *, description: str = "", lifecycle: str = "standard"
    ) -> Project:
        """Make a project whose models get ``lifecycle`` unless they say otherwise."""
        return projects.create_project(self._store, self._who, name, description, lifecycle)

    def get_project(self, name: str) -> Project:
        """Return a project. Raises `ProjectNotFound`."""
        return projects.get_project(self._store, name)

    def list_projects(self, *, limit: int = 100, cursor: str | None = None) -> Page[Project]:
        """Return a page of projects by name."""
        return projects.list_projects(self._store, limit, cursor)

    def update_project(
        self, name: str, *, description: str | None = None, lifecycle: str | None = None
    ) -> Project:
        """Change a project; what is None stays."""
        return projects.update_project(self._store, self._who, name, description, lifecycle)

    # --- models ------------------------------------------------------------------------------

    def create_model(
        self,
        name: str,
        *,
        owner: str | None = None,
        description: str = "",
        tags: Mapping[str, str] | Sequence[str] | None = None,
        lifecycle: str | None = None,
        lifecycle_revision: int | None = None,
    ) -> RegisteredModel:
        """Make a model, pinned to the newest revision of a lifecycle unless told."""
        project, bare = self._split(name)
        new = registration.new_model(
            self._store.limits,
            bare,
            owner=owner,
            description=description,
            tags=tags,
            lifecycle=lifecycle,
            lifecycle_revision=lifecycle_revision,
        )
        return registration.create_model(self._store, self._who, project, new)

    def get_model(self, name: str) -> RegisteredModel:
        """Return a model. Raises `ModelNotFound`."""
        return catalog.get_model(self._store, *self._split(name))

    def list_models(
        self,
        *,
        project: str | None = None,
        filter: str | None = None,
        order_by: str | Sequence[str] | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[RegisteredModel]:
        """Return a page of models, of all projects unless told, by name unless ordered."""
        return catalog.list_models(self._store, project, filter, order_by, limit, cursor)

    def update_model(
        self, name: str, *, revision: int | None = None, **changes: Any
    ) -> RegisteredModel:
        """Change description, owner, tags, new_name, lifecycle or lifecycle_revision.

        Tags are merged; a value of None takes one away. With ``revision``, only if the model is
        still at it, else `StaleRevision`.
        """
        edit = Edit(changes=changes, revision=revision)
        return editing.update_model(self._store, self._who, *self._split(name), edit)

    def delete_model(self, name: str, *, force: bool = False) -> None:
        """Delete a model; `restore_model` brings it back. Raises `InUse` unless forced."""
        retention.delete_model(self._store, self._who, *self._split(name), force)

    def restore_model(self, name: str) -> RegisteredModel:
        """Bring a deleted model back as it was."""
        return retention.restore_model(self._store, self._who, *self._split(name))

    # --- versions ----------------------------------------------------------------------------

    def register_model(
        self,
        name: str,
        version: str | int | None = None,
        artifact_uri: str | None = None,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        dataset: str | None = None,
        code: str | None = None,
        parents: Sequence[str] | None = None,
        description: str = "",
        stage: str | None = None,
        lifecycle: str | None = None,
    ) -> ModelVersion:
        """Register a version; a model of that name is made if there is none.

        ``version`` is numbered by the server when left out. ``lifecycle`` is for a new model.
        """
        project, bare = self._split(name)
        new = registration.new_version(
            self._store.limits,
            version=version,
            artifact_uri=artifact_uri,
            metrics=metrics,
            params=params,
            tags=tags,
            metadata=metadata,
            run_id=run_id,
            dataset=dataset,
            code=code,
            parents=parents,
            description=description,
            stage=stage,
        )
        model = registration.new_model(self._store.limits, bare, lifecycle=lifecycle)
        return registration.register_version(self._store, self._who, project, model, new)

    def get_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version. Raises `VersionNotFound`."""
        return resolution.get_version(self._store, *self._split(name), str(version))

    def list_versions(
        self,
        name: str,
        *,
        stage: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelVersion]:
        """Return a page of a model's versions, newest first."""
        return catalog.list_versions(self._store, *self._split(name), stage, limit, cursor)

    def update_version(
        self, name: str, version: str | int, *, revision: int | None = None, **changes: Any
    ) -> ModelVersion:
        """Change description, tags, params, metadata or artifact_uri.

        Mappings are merged; a value of None takes a key away.
        """
        edit = Edit(changes=changes, revision=revision)
        project, bare = self._split(name)
        return editing.update_version(self._store, self._who, project, bare, str(version), edit)

    def log_metrics(
        self,
        name: str,
        version: str | int,
        metrics: Mapping[str, float | None],
        *,
        revision: int | None = None,
    ) -> ModelVersion:
        """Add or change metrics; a value of None takes one away."""
        edit = Edit(changes={"metrics": metrics}, revision=revision)
        project, bare = self._split(name)
        return editing.log_metrics(self._store, self._who, project, bare, str(version), edit)

    def delete_version(self, name: str, version: str | int, *, force: bool = False) -> None:
        """Delete a version. Raises `InUse` while it serves or an alias names it, unless forced."""
        project, bare = self._split(name)
        retention.delete_version(self._store, self._who, project, bare, str(version), force)

    def restore_version(self, name: str, version: str | int) -> ModelVersion:
        """Bring a deleted version back, in the initial stage."""
        project, bare = self._split(name)
        return retention.restore_version(self._store, self._who, project, bare, str(version))

    # --- passages ----------------------------------------------------------------------------

    def transition(
        self,
        name: str,
        version: str | int,
        to: str | None = None,
        *,
        verb: str = TRANSITION,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> Promoted:
        """Take a version to another stage; return it, its passage, and who made room."""
        project, bare = self._split(name)
        move = Move(verb=verb, to=to, comment=comment, expected_stage=expected_stage)
        return promotion.transition(self._store, self._who, project, bare, str(version), move)

    def transition_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to ``stage`` by whichever verb leads there.

        Raises `TransitionNotAllowed` with the steps that are, `PolicyViolated` with the report.
        """
        return self.transition(
            name, version, stage, comment=comment, expected_stage=expected_stage
        ).version

    def promote(
        self,
        name: str,
        version: str | int,
        to: str | None = None,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to the next stage, or to a later one that is named."""
        return self.transition(
            name, version, to, verb=PROMOTE, comment=comment, expected_stage=expected_stage
        ).version

    def demote(
        self,
        name: str,
        version: str | int,
        to: str | None = None,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to the stage before, or to an earlier one that is named."""
        return self.transition(
            name, version, to, verb=DEMOTE, comment=comment, expected_stage=expected_stage
        ).version

    def archive(
        self,
        name: str,
        version: str | int,
        *,
        comment: str = "",
        expected_stage: str | None = None,
    ) -> ModelVersion:
        """Take a version to the lifecycle's archive."""
        return self.transition(
            name, version, verb=ARCHIVE, comment=comment, expected_stage=expected_stage
        ).version

    def rollback(
        self,
        name: str,
        *,
        stage: str | None = None,
        to_version: str | int | None = None,
        comment: str = "",
    ) -> ModelVersion:
        """Bring back the version that stood in ``stage`` (production unless told) before.

        Raises `NothingToRollBackTo`.
        """
        return self.rollback_stage(
            name, stage=stage, to_version=to_version, comment=comment
        ).version

    def rollback_stage(
        self,
        name: str,
        *,
        stage: str | None = None,
        to_version: str | int | None = None,
        comment: str = "",
    ) -> Promoted:
        """Roll back; return the version, its passage, and who made room."""
        project, bare = self._split(name)
        return promotion.rollback(
            self._store,
            self._who,
            project,
            bare,
            stage=stage,
            to_version=None if to_version is None else str(to_version),
            comment=comment,
        )

    def get_transitions(self, name: str, version: str | int) -> tuple[Transition, ...]:
        """Return a version's passages, oldest first."""
        project, bare = self._split(name)
        return promotion.list_transitions(self._store, project, bare, str(version))

    # --- what stands where -------------------------------------------------------------------

    def get_latest(
        self, name: str, stage: str | None = None, *, at: Moment = None
    ) -> ModelVersion:
        """Return the latest version of a model, or the latest that stands in ``stage``.

        Raises `StageEmpty`, `VersionNotFound`.
        """
        project, bare = self._split(name)
        if at is None:
            return resolution.get_latest(self._store, project, bare, stage)
        return self.resolve(f"{project}/{bare}@{stage or 'latest'}", at=at)

    def get_latest_in_stage(self, name: str, stage: str, *, at: Moment = None) -> ModelVersion:
        """Return the latest version that stands in ``stage``. Raises `StageEmpty`."""
        return self.get_latest(name, stage, at=at)

    def get_by_stage(
        self,
        stage: str,
        *,
        project: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelVersion]:
        """Return a page of the versions of all models that stand in ``stage``, newest first."""
        return catalog.list_by_stage(self._store, stage, project, limit, cursor)

    def production(self, name: str, *, at: Moment = None) -> ModelVersion:
        """Return the version in production. Raises `StageEmpty`."""
        project, bare = self._split(name)
        return resolution.serving(self._store, project, bare, _micros(at))

    def resolve(self, reference: str, *, at: Moment = None) -> ModelVersion:
        """Return the version that ``reference`` means, now or at a moment in the past."""
        parsed = parse_reference(reference, self.project)
        return resolution.resolve(self._store, parsed, _micros(at))

    def history(self, name: str) -> tuple[Occupancy, ...]:
        """Return who stood where from when to when, stages and aliases, oldest first."""
        return resolution.list_history(self._store, *self._split(name))

    # --- aliases -----------------------------------------------------------------------------

    def set_alias(
        self, name: str, alias: str, version: str | int, *, protected: bool | None = None
    ) -> Alias:
        """Make ``alias`` name a version, whatever it named before."""
        project, bare = self._split(name)
        return aliases.set_alias(
            self._store, self._who, project, bare, alias, str(version), protected
        )

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away. Raises `AliasNotFound`."""
        aliases.delete_alias(self._store, self._who, *self._split(name), alias)

    def list_aliases(self, name: str) -> tuple[Alias, ...]:
        """Return a model's aliases by name."""
        return aliases.list_aliases(self._store, *self._split(name))

    # --- looking -----------------------------------------------------------------------------

    def compare_versions(self, name: str, a: str | int, b: str | int) -> Comparison:
        """Return what differs from version ``a`` to version ``b``."""
        project, bare = self._split(name)
        return catalog.compare_versions(self._store, project, bare, str(a), str(b))

    def search(
        self,
        filter: str = "",
        *,
        order_by: str | Sequence[str] | None = None,
        project: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelVersion]:
        """Return a page of versions that ``filter`` selects, newest first unless ordered.

        Raises `InvalidFilter` with the column of the fault.
        """
        return catalog.find_versions(self._store, project, filter, order_by, limit, cursor)

    def search_models(
        self,
        filter: str = "",
        *,
        order_by: str | Sequence[str] | None = None,
        project: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[RegisteredModel]:
        """Return a page of models that ``filter`` selects, by name unless ordered."""
        return catalog.list_models(self._store, project, filter, order_by, limit, cursor)

    def summary(self, *, project: str | None = None) -> Summary:
        """Count models, versions and stages, in one project or in all."""
        return catalog.summarise(self._store, project)

    def audit(
        self,
        *,
        project: str | None = None,
        model: str | None = None,
        version: str | int | None = None,
        actor: str | None = None,
        action: str | None = None,
        since: Moment = None,
        until: Moment = None,
        newest_first: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AuditEvent]:
        """Return a page of a project's log, oldest first unless told."""
        owner, bare = (project or self.project, None) if model is None else self._split(model)
        wanted = auditing.EventFilter(
            model=bare,
            version=None if version is None else str(version),
            actor=actor,
            action=action,
            since=None if since is None else parse_moment(since, "since"),
            until=None if until is None else parse_moment(until, "until"),
        )
        return auditing.list_events(self._store, owner, wanted, limit, cursor, newest_first)

    def verify_audit(self, *, project: str | None = None) -> Verdict:
        """Recompute a project's log and compare it with the tables; name the first bad event."""
        return auditing.verify_log(self._store, project or self.project)

    # --- lifecycles --------------------------------------------------------------------------

    def apply_lifecycle(self, document: Mapping[str, Any]) -> Lifecycle:
        """Store a lifecycle document as the next revision of its name.

        Raises `InvalidLifecycle` with every fault.
        """
        return lifecycles.apply_lifecycle(self._store, self._who, document)

    def get_lifecycle(self, name: str, revision: int | None = None) -> Lifecycle:
        """Return a lifecycle, its newest revision unless told."""
        return lifecycles.get_lifecycle(self._store, name, revision)

    def list_lifecycles(self) -> tuple[Lifecycle, ...]:
        """Return every revision of every lifecycle, by name and revision."""
        return lifecycles.list_lifecycles(self._store)

    def _split(self, name: str) -> tuple[str, str]:
        return split_name(name, self.project)


def _micros(at: Moment) -> int | None:
    return None if at is None else to_micros(parse_moment(at))
