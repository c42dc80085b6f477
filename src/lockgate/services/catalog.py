"""The catalog: lists, searches, counts and comparisons."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from lockgate.domain.comparison import Comparison, compare
from lockgate.domain.filter_fields import Scope
from lockgate.domain.filters import parse_filter, parse_order_by
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.models import RegisteredModel
from lockgate.domain.overview import ModelOverview
from lockgate.domain.pages import Page
from lockgate.domain.summary import Summary
from lockgate.domain.versions import ModelVersion
from lockgate.errors import InvalidInput, NotFound
from lockgate.services.paging import page_of, page_size
from lockgate.services.resolution import get_version
from lockgate.storage import catalog as rows
from lockgate.storage import lifecycles as lifecycle_rows
from lockgate.storage import models as model_rows
from lockgate.storage import search as search_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel
from lockgate.storage.projects import find_project, project_id
from lockgate.storage.search import Search, search_models, search_versions
from lockgate.storage.store import Store
from lockgate.storage.versions import OF_MODEL, OF_MODEL_IN_STAGE

_NEWEST = 2**62


def get_model(store: Store, project: str, name: str) -> RegisteredModel:
    """Return a model. Raises `ModelNotFound`."""
    return store.read(lambda session: model_rows.load_model(session, project, name)).model


def list_models(
    store: Store,
    project: str | None,
    where: str | None,
    order_by: str | Sequence[str] | None,
    limit: int,
    cursor: str | None,
) -> Page[RegisteredModel]:
    """Return a page of models that a filter selects, by name unless ordered otherwise."""
    search = _search(store, "models", where, order_by or "name", limit, cursor)

    def use_case(session: Session) -> Page[RegisteredModel]:
        scoped = _scoped(session, search, project)
        return search_models(session, scoped).map(lambda stored: stored.model)

    return store.snapshot(use_case)


def count_models(store: Store, project: str | None, where: str) -> int:
    """Return how many models a filter selects."""
    search = _search(store, "models", where, (), 1, None)
    return store.snapshot(
        lambda session: search_rows.count_models(session, _scoped(session, search, project))
    )


def overview(
    store: Store,
    project: str | None,
    where: str | None,
    order_by: str | Sequence[str] | None,
    limit: int,
    cursor: str | None,
) -> Page[ModelOverview]:
    """Return what `list_models` does, each model with its version in production."""
    search = _search(store, "models", where, order_by or "name", limit, cursor)

    def use_case(session: Session) -> Page[ModelOverview]:
        page = search_models(session, _scoped(session, search, project))
        serving = _serving(store, session, page.items)

        def shown(stored: StoredModel) -> ModelOverview:
            lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
            return ModelOverview(
                model=stored.model,
                serving_stage=lifecycle.serving_stage.name,
                production=serving.get(stored.id),
            )

        return page.map(shown)

    return store.snapshot(use_case)


def _serving(
    store: Store, session: Session, models: Sequence[StoredModel]
) -> dict[int, ModelVersion]:
    """Return the versions in production by the model's key: one question for each lifecycle."""
    pinned: dict[int, list[int]] = {}
    for stored in models:
        pinned.setdefault(stored.lifecycle_id, []).append(stored.id)
    found: dict[int, ModelVersion] = {}
    for key, ids in pinned.items():
        lifecycle = store.lifecycles.load(session, key)
        stage_key = lifecycle.serving_stage.name.casefold()
        stamps = rows.latest_of_models(session, ids, stage_key)
        versions = store.versions.load_all(session, list(stamps.values()))
        found.update(zip(stamps, versions, strict=True))
    return found


def find_versions(
    store: Store,
    project: str | None,
    where: str | None,
    order_by: str | Sequence[str] | None,
    limit: int,
    cursor: str | None,
) -> Page[ModelVersion]:
    """Return a page of versions that a filter selects, newest first unless ordered otherwise."""
    search = _search(store, "versions", where, order_by, limit, cursor)

    def use_case(session: Session) -> Page[ModelVersion]:
        page = search_versions(session, _scoped(session, search, project))
        found = store.versions.load_all(session, list(page.items))
        return Page(tuple(found), page.next_cursor)

    return store.snapshot(use_case)


def list_versions(
    store: Store, project: str, name: str, stage: str | None, limit: int, cursor: str | None
) -> Page[ModelVersion]:
    """Return a page of a model's versions, newest first, all or those in a stage."""

    def fetch(before: int, count: int) -> list[ModelVersion]:
        def use_case(session: Session) -> list[ModelVersion]:
            stored = model_rows.load_model(session, project, name)
            binds: dict[str, object] = {}
            statement = OF_MODEL
            if stage is not None:
                lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
                binds["stage_key"] = lifecycle.stage(stage).name.casefold()
                statement = OF_MODEL_IN_STAGE
            stamps = session.all(statement, model_id=stored.id, before=before, count=count, **binds)
            return store.versions.load_all(session, stamps)

        return store.snapshot(use_case)

    return page_of(
        store,
        f"versions {project}/{name} {stage}",
        limit,
        cursor,
        first=_NEWEST,
        fetch=fetch,
        position=lambda version: version.seq,
    )


def list_by_stage(
    store: Store, stage: str, project: str | None, limit: int, cursor: str | None
) -> Page[ModelVersion]:
    """Return a page of the versions of all models that stand in ``stage``, newest first.

    ``stage`` is a name or alias in any lifecycle that is there. Raises `InvalidInput` listing
    the stages that exist when no lifecycle knows it.
    """
    size = page_size(store, limit)
    keys: dict[str, int] = {}

    def fetch(before: int, count: int) -> list[ModelVersion]:
        def use_case(session: Session) -> list[ModelVersion]:
            project_key = None if project is None else project_id(session, project)
            spellings = _spellings(store, session, stage)
            found = rows.list_by_stage(session, spellings, project_key, before, count)
            versions = store.versions.load_all(session, [stamp for _, stamp in found])
            keys.update({v.uid: key for v, (key, _) in zip(versions, found, strict=True)})
            return versions

        return store.snapshot(use_case)

    return page_of(
        store,
        f"stage {stage.casefold()} {project}",
        size,
        cursor,
        first=_NEWEST,
        fetch=fetch,
        position=lambda version: keys[version.uid],
    )


def summarise(store: Store, project: str | None) -> Summary:
    """Count models, versions and stages, in one project or in all."""

    def use_case(session: Session) -> Summary:
        key = None if project is None else project_id(session, project)
        by_stage = rows.count_by_stage(session, key)
        return Summary(
            project=project,
            total_models=rows.count_models(session, key),
            total_versions=sum(by_stage.values()),
            by_stage=FrozenDict(sorted(by_stage.items())),
        )

    return store.snapshot(use_case)


def summarise_model(store: Store, project: str, name: str) -> Summary:
    """Count the versions of one model, and in which stages they stand."""

    def use_case(session: Session) -> Summary:
        model_id, _ = model_rows.load_pin(session, project, name)
        by_stage = rows.count_stages_of(session, model_id)
        return Summary(
            project=project,
            model=name,
            total_models=1,
            total_versions=sum(by_stage.values()),
            by_stage=FrozenDict(sorted(by_stage.items())),
        )

    return store.snapshot(use_case)


def locate(store: Store, uid: str) -> str:
    """Return the reference of a live version, or the full name of a live model, by its uid.

    Raises `InvalidInput` for what is no UUID, `NotFound`.
    """
    try:
        key = uuid.UUID(uid).hex
    except (ValueError, AttributeError, TypeError):
        raise InvalidInput(detail=f"uid must be a UUID, got {uid!r:.60}", field="uid") from None

    def use_case(session: Session) -> tuple[str, ...] | None:
        found = rows.find_place(session, key)
        # Who may not see the project finds nothing in it.
        return None if found is None or find_project(session, found[0]) is None else found

    place = store.snapshot(use_case)
    if place is None:
        raise NotFound(detail=f"There is no model and no version with the uid '{key}'.")
    project, model, *label = place
    return ":".join((f"{project}/{model}", *label))


def compare_versions(store: Store, project: str, name: str, a: str, b: str) -> Comparison:
    """Return what differs from version ``a`` to version ``b`` of a model."""
    return compare(get_version(store, project, name, a), get_version(store, project, name, b))


def _search(
    store: Store,
    scope: Scope,
    where: str | None,
    order_by: str | Sequence[str] | None,
    limit: int,
    cursor: str | None,
) -> Search:
    return Search(
        where=parse_filter(where or "", scope, store.limits),
        order=parse_order_by(order_by or (), scope, store.limits),
        limit=page_size(store, limit),
        cursor=cursor,
    )


def _scoped(session: Session, search: Search, project: str | None) -> Search:
    if project is None and session.visible_keys is None:
        return search
    return Search(
        where=search.where,
        order=search.order,
        limit=search.limit,
        cursor=search.cursor,
        project_ids=session.visible_keys if project is None else (project_id(session, project),),
    )


def _spellings(store: Store, session: Session, stage: str) -> set[str]:
    """Return the case-folded canonical names that ``stage`` may have, over all lifecycles."""
    lifecycles = [store.lifecycles.load(session, key) for key in lifecycle_rows.all_keys(session)]
    found = {
        named.name.casefold()
        for lifecycle in lifecycles
        if (named := lifecycle.find_stage(stage)) is not None
    }
    if not found:
        known = sorted({s.name for lifecycle in lifecycles for s in lifecycle.stages})
        raise InvalidInput(
            detail=f"Invalid stage {stage!r}. Allowed: {', '.join(known)}.",
            field="stage",
            allowed=known,
        )
    return found
