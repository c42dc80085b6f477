"""Boards: the versions of a model, or of a project, by the stages they stand in."""

from __future__ import annotations

from lockgate.domain.boards import Board, BoardCard, BoardColumn, merged_stages
from lockgate.domain.lifecycles import Stage
from lockgate.domain.versions import ModelVersion
from lockgate.services.paging import page_size
from lockgate.storage import boards as rows
from lockgate.storage import catalog
from lockgate.storage import models as model_rows
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.requests import open_requests_of
from lockgate.storage.store import Store
from lockgate.storage.versions import OF_MODEL_IN_STAGE, Stamp

_NEWEST = 2**62


def board_of_model(store: Store, project: str, name: str, limit: int) -> Board:
    """Return a model's board with up to ``limit`` cards a column. Raises `ModelNotFound`."""
    size = page_size(store, limit)

    def use_case(session: Session) -> Board:
        stored = model_rows.load_model(session, project, name)
        lifecycle = store.lifecycles.load(session, stored.lifecycle_id)
        counts = rows.count_by_stage_of_model(session, stored.id)
        columns = []
        for stage in lifecycle.stages:
            key = stage.name.casefold()
            there = {"model_id": stored.id, "stage_key": key, "before": _NEWEST, "count": size}
            stamps = session.all(OF_MODEL_IN_STAGE, **there) if counts.get(key) else []
            columns.append((stage, counts.get(key, 0), stamps))
        return Board(
            project=project,
            model=stored.model.name,
            columns=_filled(store, session, columns),
        )

    return store.snapshot(use_case)


def board_of_project(store: Store, project: str, limit: int) -> Board:
    """Return the board of all models of a project; stages of one name are one column."""
    size = page_size(store, limit)

    def use_case(session: Session) -> Board:
        key = project_id(session, project)
        used = [
            store.lifecycles.load(session, each) for each in rows.lifecycles_in_use(session, key)
        ]
        counts: dict[str, int] = {}
        for name, count in catalog.count_by_stage(session, key).items():
            counts[name.casefold()] = counts.get(name.casefold(), 0) + count
        columns = []
        for stage in merged_stages(used):
            word = stage.name.casefold()
            found = (
                catalog.list_by_stage(session, [word], key, _NEWEST, size)
                if counts.get(word)
                else []
            )
            columns.append((stage, counts.get(word, 0), [stamp for _, stamp in found]))
        return Board(project=project, model=None, columns=_filled(store, session, columns))

    return store.snapshot(use_case)


def _filled(
    store: Store, session: Session, columns: list[tuple[Stage, int, list[Stamp]]]
) -> tuple[BoardColumn, ...]:
    """Return the columns with their cards; what cards need beside is asked once for all."""
    keys = [stamp[0] for _, _, stamps in columns for stamp in stamps]
    lifecycles = rows.lifecycles_of_versions(session, keys) if keys else {}
    asked = open_requests_of(session, keys) if keys else {}

    def card(stamp: Stamp, version: ModelVersion) -> BoardCard:
        lifecycle = store.lifecycles.load(session, lifecycles[stamp[0]])
        return BoardCard(
            version=version,
            lifecycle=lifecycle.name,
            lifecycle_revision=lifecycle.revision,
            requests=tuple(asked.get(stamp[0], ())),
        )

    return tuple(
        BoardColumn(
            stage=stage.name,
            colour=stage.colour,
            description=stage.description,
            count=count,
            cards=tuple(map(card, stamps, store.versions.load_all(session, stamps))),
        )
        for stage, count, stamps in columns
    )
