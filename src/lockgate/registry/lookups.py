"""What stands where, and what there is: the verbs."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.domain.boards import Board
from lockgate.domain.comparison import Comparison
from lockgate.domain.history import Occupancy
from lockgate.domain.known_keys import KnownKeys
from lockgate.domain.lineups import Lineup
from lockgate.domain.models import RegisteredModel
from lockgate.domain.overview import ModelOverview
from lockgate.domain.pages import Page
from lockgate.domain.references import parse_reference, split_name
from lockgate.domain.summary import Summary
from lockgate.domain.versions import ModelVersion
from lockgate.registry.desk import Desk, Moment, micros
from lockgate.services import boards, catalog, known_keys, lineage, lineups, resolution


class LookupVerbs(Desk):
    """Resolving, searching, comparing and counting."""

    def get_latest(self, name: str, stage: str | None = None, *, at: Moment = None) -> ModelVersion:
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

    def get_latest_by_stage(self, name: str) -> tuple[ModelVersion, ...]:
        """Return the latest version in each stage that has one, in the order of the stages."""
        return resolution.list_latest(self._store, *self._split(name))

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
        return resolution.serving(self._store, project, bare, micros(at))

    def resolve(self, reference: str, *, at: Moment = None) -> ModelVersion:
        """Return the version that ``reference`` means, now or at a moment in the past."""
        parsed = parse_reference(reference, self.project)
        return resolution.resolve(self._store, parsed, micros(at))

    def history(self, name: str) -> tuple[Occupancy, ...]:
        """Return who stood where from when to when, stages and aliases, oldest first."""
        return resolution.list_history(self._store, *self._split(name))

    def children(self, name: str, version: str | int) -> tuple[ModelVersion, ...]:
        """Return the versions of the project that name this one as a parent, newest first."""
        project, bare = self._split(name)
        return lineage.list_children(self._store, project, bare, str(version))

    def compare_versions(self, name: str, a: str | int, b: str | int) -> Comparison:
        """Return what differs from version ``a`` to version ``b``."""
        project, bare = self._split(name)
        return catalog.compare_versions(self._store, project, bare, str(a), str(b))

    def compare_many(self, name: str, versions: Sequence[str | int]) -> Lineup:
        """Return two to six versions side by side, with the files and tensors that differ."""
        project, bare = self._split(name)
        return lineups.compare_many(self._store, project, bare, [str(each) for each in versions])

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

    def overview(
        self,
        filter: str = "",
        *,
        order_by: str | Sequence[str] | None = None,
        project: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelOverview]:
        """Return what `search_models` does, each model with its version in production."""
        return catalog.overview(self._store, project, filter, order_by, limit, cursor)

    def count_models(self, filter: str = "", *, project: str | None = None) -> int:
        """Return how many models ``filter`` selects."""
        return catalog.count_models(self._store, project, filter)

    def known_keys(self, *, project: str | None = None) -> KnownKeys:
        """Return which tags, metrics and params the newest of a project have, to search by."""
        return known_keys.known_keys(self._store, project or self.project)

    def summary(self, *, project: str | None = None, model: str | None = None) -> Summary:
        """Count models, versions and stages: in one project, in all, or of one model."""
        if model is not None:
            return catalog.summarise_model(self._store, *split_name(model, project or self.project))

        return catalog.summarise(self._store, project)

    def board(
        self, name: str | None = None, *, project: str | None = None, limit: int = 50
    ) -> Board:
        """Return the board of a model, or of a project: a column a stage, a card a version.

        ``limit`` bounds the cards of each column, newest first.
        """
        if name is None:
            return boards.board_of_project(self._store, project or self.project, limit)
        owner, bare = self._split(name)
        return boards.board_of_model(self._store, owner, bare, limit)

    def locate(self, uid: str) -> str:
        """Return the reference of a version, or the full name of a model, by its uid."""
        return catalog.locate(self._store, uid)
