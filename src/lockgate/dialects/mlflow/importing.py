"""Bring over an MLflow registry: models, versions under their numbers, stages, aliases, files.

Each version is made in one piece, files and all; what is there is left alone. So running it again
goes on where it stopped. Whatever cannot be brought is named in the report, and the rest goes on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from lockgate.dialects.mlflow.foreign import (
    Elsewhere,
    ForeignModel,
    ForeignRegistry,
    ForeignVersion,
)
from lockgate.dialects.mlflow.models import lifecycle_for
from lockgate.dialects.mlflow.shapes import MODEL_ID, RUN_LINK
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    AlreadyExists,
    ModelNotFound,
    RegistryError,
    Unavailable,
    VersionNotFound,
)
from lockgate.registry import Registry

IMPORTED_FROM: Final = "mlflow.imported_from"
CREATED: Final = "mlflow.created_ms"
CREATED_BY: Final = "mlflow.created_by"
DELETED: Final = "mlflow.deleted"
GAPS_MAX: Final = 1_000
"""Numbers without a version, of one model, that are taken so that the others keep theirs."""


@dataclass(frozen=True, slots=True)
class Unbrought:
    """What could not be brought, and why."""

    subject: str
    reason: str


@dataclass
class Imported:
    """What an import did, or (``dry_run``) would do."""

    uri: str
    project: str
    dry_run: bool
    models: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    there_already: int = 0
    aliases: list[str] = field(default_factory=list)
    bytes_brought: int = 0
    unbrought: list[Unbrought] = field(default_factory=list)


Told = Callable[[str, int, int], None]
"""Called with what is being brought, how many versions are done, and how many there are."""


def import_registry(
    foreign: ForeignRegistry,
    registry: Registry,
    project: str,
    *,
    dry_run: bool = False,
    told: Told | None = None,
) -> Imported:
    """Bring all of ``foreign`` into a project that is there, and report.

    Raises `Unavailable` when either of the two stops answering; run it again then.
    """
    run = _Import(foreign, registry, project, dry_run, told or (lambda _what, _done, _all: None))
    registry.get_project(project)
    run.everything(list(foreign.models()))
    return run.report


class _Import:
    def __init__(
        self, foreign: ForeignRegistry, registry: Registry, project: str, dry_run: bool, told: Told
    ) -> None:
        self.report = Imported(uri=foreign.uri, project=project, dry_run=dry_run)
        self._foreign = foreign
        self._registry = registry
        self._project = project
        self._told = told
        self._done = 0

    def everything(self, models: list[ForeignModel]) -> None:
        total = sum(len(model.versions) for model in models)
        for model in models:
            if not self._try(model.name, lambda model=model: self._make_model(model)):  # type: ignore[misc]
                self._done += len(model.versions)
                continue
            for version in model.versions:
                name = f"{model.name}/{version.number}"
                self._told(name, self._done, total)
                self._try(name, lambda version=version: self._bring(version))  # type: ignore[misc]
                self._done += 1
            for alias, number in sorted(model.aliases.items()):
                self._try(
                    f"{model.name}@{alias}",
                    lambda alias=alias, number=number, model=model: self._alias(  # type: ignore[misc]
                        model.name, alias, number
                    ),
                )
        self._told("", total, total)

    def _try(self, subject: str, work: Callable[[], None]) -> bool:
        """Do one thing; what a rule refuses is reported, what is unavailable ends the import."""
        try:
            work()
        except Unavailable:
            raise
        except RegistryError as error:
            self._lack(subject, str(error))
            return False
        return True

    def _lack(self, subject: str, reason: str) -> None:
        self.report.unbrought.append(Unbrought(subject, reason))

    # --- models ------------------------------------------------------------------------------

    def _make_model(self, model: ForeignModel) -> None:
        full_name = self._full(model.name)
        try:
            found = self._registry.get_model(full_name)
        except ModelNotFound:
            self.report.models.append(model.name)
            if self.report.dry_run:
                return
            self._registry.create_model(
                full_name,
                description=model.description,
                tags=model.tags,
                lifecycle=lifecycle_for(self._registry, self._project, model.tags),
            )
            return
        lacking = {key: value for key, value in model.tags.items() if key not in found.tags}
        if lacking and not self.report.dry_run:
            self._registry.update_model(full_name, tags=lacking)

    # --- versions ----------------------------------------------------------------------------

    def _bring(self, version: ForeignVersion) -> None:
        found = self._find(version.model, str(version.number))
        if found is not None and found.metadata.get(IMPORTED_FROM) != self.report.uri:
            self._lack(_name(version), "a version of that label is there and was not imported.")
            return
        if found is not None and (found.digest is not None or not version.has_files):
            self.report.there_already += 1
            return
        if found is None:
            self.report.versions.append(_name(version))
        if self.report.dry_run:
            self.report.there_already += found is not None
            return
        if found is None:
            self._fill_gap(version)
            version = self._with_evidence(version)
        with tempfile.TemporaryDirectory(prefix="lockgate-import-") as folder:
            try:
                files = self._foreign.download(version, Path(folder)) if version.has_files else None
            except Elsewhere as error:
                self._lack(f"{_name(version)} files", f"{error}.")
                files = None
            made = self._make(version, files, found)
        if made is not None and made.seq != version.number:
            reason = f"MLflow's clients find it here as number {made.seq}."
            self._lack(f"{_name(version)} number", reason)

    def _make(
        self, version: ForeignVersion, files: Path | None, found: ModelVersion | None
    ) -> ModelVersion | None:
        full_name, label = self._full(version.model), str(version.number)
        if found is not None and files is None:
            self.report.there_already += 1
            return None
        words: dict[str, Any] = {} if found is not None else self._words(version)
        if files is None:
            return self._registry.register_model(full_name, label, **words)
        made = self._registry.push(files, full_name, label, **words)
        self.report.bytes_brought += self._registry.manifest(made.reference).size
        return made

    def _words(self, version: ForeignVersion) -> dict[str, Any]:
        metadata = {
            IMPORTED_FROM: self.report.uri,
            CREATED: version.created_ms,
            CREATED_BY: version.user,
            MODEL_ID: version.model_id,
            RUN_LINK: version.run_link,
        }
        return {
            "artifact_uri": version.source or None,
            "metrics": version.metrics,
            "params": version.params,
            "tags": version.tags,
            "metadata": {key: value for key, value in metadata.items() if value},
            "run_id": version.run_id,
            "description": version.description,
            "stage": self._stage(version),
        }

    def _stage(self, version: ForeignVersion) -> str | None:
        """Return where a version begins; None, and a line in the report, where it may not."""
        model = self._registry.get_model(self._full(version.model))
        lifecycle = self._registry.get_lifecycle(model.lifecycle, model.lifecycle_revision)
        stage = lifecycle.find_stage(version.stage)
        if stage is not None and (lifecycle.initial_choice or stage.name == lifecycle.initial):
            return stage.name
        self._lack(
            f"{_name(version)} stage",
            f"{version.stage!r} cannot be where a version begins under the lifecycle "
            f"{model.lifecycle!r}; it stands in {lifecycle.initial!r}.",
        )
        return None

    def _with_evidence(self, version: ForeignVersion) -> ForeignVersion:
        try:
            metrics, params = self._foreign.evidence(version)
        except Elsewhere as error:
            self._lack(f"{_name(version)} metrics", f"Its run cannot be read: {error}.")
            return version
        return replace(version, metrics=metrics, params=params)

    def _fill_gap(self, version: ForeignVersion) -> None:
        """Take the numbers of versions that were deleted there, so that this one keeps its own."""
        full_name = self._full(version.model)
        page = self._registry.list_versions(full_name, limit=1)
        last = page.items[0].seq if page.items else 0
        if page.items and DELETED in page.items[0].metadata:
            # An earlier run was stopped right between taking the number and giving it up.
            self._registry.delete_version(full_name, page.items[0].label, force=True)
        for number in range(max(last + 1, version.number - GAPS_MAX), version.number):
            try:
                self._registry.register_model(
                    full_name,
                    str(number),
                    description="Deleted before it was imported.",
                    metadata={IMPORTED_FROM: self.report.uri, DELETED: True},
                )
            except AlreadyExists:
                continue  # taken by an earlier run
            self._registry.delete_version(full_name, str(number), force=True)

    def _alias(self, model: str, alias: str, number: int) -> None:
        found = self._find(model, str(number))
        if found is None:
            if self.report.dry_run:
                self.report.aliases.append(f"{model}@{alias}")
            else:
                self._lack(f"{model}@{alias}", f"its version {number} was not brought.")
            return
        if alias not in found.aliases:
            self.report.aliases.append(f"{model}@{alias}")
            if not self.report.dry_run:
                self._registry.set_alias(self._full(model), alias, found.label)

    def _find(self, model: str, label: str) -> ModelVersion | None:
        try:
            return self._registry.get_version(self._full(model), label)
        except (ModelNotFound, VersionNotFound):
            return None

    def _full(self, name: str) -> str:
        return f"{self._project}/{name}"


def _name(version: ForeignVersion) -> str:
    return f"{version.model}/{version.number}"
