"""What stands where, and what there is: the verbs, over HTTP."""

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
from lockgate.sdk.calls import Calls, Moment, segment


class LookupVerbs(Calls):
    """Resolving, searching, comparing and counting."""

    def get_latest(self, name: str, stage: str | None = None, *, at: Moment = None) -> ModelVersion:
        """Return the latest version of a model, or the latest that stands in ``stage``.

        Raises `StageEmpty`, `VersionNotFound`.
        """
        return self._load(ModelVersion, self._model(name, "latest"), stage=stage, at=at)

    def get_latest_in_stage(self, name: str, stage: str, *, at: Moment = None) -> ModelVersion:
        """Return the latest version that stands in ``stage``. Raises `StageEmpty`."""
        return self.get_latest(name, stage, at=at)

    def get_latest_by_stage(self, name: str) -> tuple[ModelVersion, ...]:
        """Return the latest version in each stage that has one, in the order of the stages."""
        return self._all(ModelVersion, self._model(name, "latest-by-stage"))

    def get_by_stage(
        self,
        stage: str,
        *,
        project: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[ModelVersion]:
        """Return a page of the versions of all models that stand in ``stage``, newest first."""
        path = f"/stages/{segment(stage, 'stage')}/versions"
        return self._page(ModelVersion, path, project=project, limit=limit, cursor=cursor)

    def production(self, name: str, *, at: Moment = None) -> ModelVersion:
        """Return the version in production. Raises `StageEmpty`."""
        return self._load(ModelVersion, self._model(name, "production"), at=at)

    def resolve(self, reference: str, *, at: Moment = None) -> ModelVersion:
        """Return the version that ``reference`` means, now or at a moment in the past."""
        parsed = parse_reference(reference, self.project)
        return self._load(ModelVersion, "/resolve", ref=str(parsed), at=at)

    def history(self, name: str) -> tuple[Occupancy, ...]:
        """Return who stood where from when to when, stages and aliases, oldest first."""
        return self._all(Occupancy, self._model(name, "history"))

    def children(self, name: str, version: str | int) -> tuple[ModelVersion, ...]:
        """Return the versions of the project that name this one as a parent, newest first."""
        return self._all(ModelVersion, self._version(name, version, "children"))

    def compare_versions(self, name: str, a: str | int, b: str | int) -> Comparison:
        """Return what differs from version ``a`` to version ``b``."""
        return self._load(Comparison, self._model(name, "compare"), a=str(a), b=str(b))

    def compare_many(self, name: str, versions: Sequence[str | int]) -> Lineup:
        """Return two to six versions side by side, with the files and tensors that differ."""
        labels = [str(each) for each in versions]
        return self._load(Lineup, self._model(name, "lineup"), version=labels)

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
        return self._page(
            ModelVersion,
            "/search/versions",
            filter=filter,
            order_by=order_by,
            project=project,
            limit=limit,
            cursor=cursor,
        )

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
        return self._page(
            RegisteredModel,
            "/search/models",
            filter=filter,
            order_by=order_by,
            project=project,
            limit=limit,
            cursor=cursor,
        )

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
        return self._page(
            ModelOverview,
            "/overview",
            filter=filter,
            order_by=order_by,
            project=project,
            limit=limit,
            cursor=cursor,
        )

    def count_models(self, filter: str = "", *, project: str | None = None) -> int:
        """Return how many models ``filter`` selects."""
        return int(self._get("/models/count", filter=filter or None, project=project)["count"])

    def known_keys(self, *, project: str | None = None) -> KnownKeys:
        """Return which tags, metrics and params the newest of a project have, to search by."""
        return self._load(
            KnownKeys, f"/projects/{segment(project or self.project, 'project')}/keys"
        )

    def summary(self, *, project: str | None = None, model: str | None = None) -> Summary:
        """Count models, versions and stages: in one project, in all, or of one model."""
        if model is not None:
            model = "/".join(split_name(model, project or self.project))
        return self._load(Summary, "/summary", project=project, model=model)

    def locate(self, uid: str) -> str:
        """Return the reference of a version, or the full name of a model, by its uid."""
        return str(self._get(f"/uids/{segment(uid, 'uid')}")["reference"])

    def board(
        self, name: str | None = None, *, project: str | None = None, limit: int = 50
    ) -> Board:
        """Return the board of a model, or of a project: a column a stage, a card a version.

        ``limit`` bounds the cards of each column, newest first.
        """
        if name is None:
            path = f"/projects/{segment(project or self.project, 'project')}/board"
        else:
            path = self._model(name, "board")
        return self._load(Board, path, limit=limit)
