"""Counts and cross-model lists in SQL."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json
from lockgate.storage.statements import Question, Statement, among
from lockgate.storage.versions import FROM, STAMP, Stamp

_V = tables.versions
_M = tables.models
_P = tables.projects

_MODELS = select(func.count()).select_from(_M).where(_M.c.deleted_at.is_(None))
_STAGES = (
    select(_V.c.stage, func.count())
    .select_from(FROM)
    .where(_V.c.deleted_at.is_(None), _M.c.deleted_at.is_(None))
    .group_by(_V.c.stage)
)
_IN_PROJECT = _V.c.project_id == bindparam("project_id")
# With the first and the last spelling of a stage; sorting by spelling costs more than counting.
_WRITTEN = (
    select(
        _V.c.project_id, _V.c.stage_key, func.count(), func.min(_V.c.stage), func.max(_V.c.stage)
    )
    .group_by(_V.c.project_id, _V.c.stage_key)
    .order_by(_V.c.project_id, _V.c.stage_key)
)
_COUNT_SPELT = Statement(
    select(func.count()).where(
        _IN_PROJECT,
        _V.c.stage_key == bindparam("stage_key"),
        _V.c.stage == bindparam("stage"),
    )
)
_DELETED = select(_V.c.stage, func.count()).where(_V.c.deleted_at.is_not(None)).group_by(_V.c.stage)
_DELETED_MODELS = select(_M.c.id).where(_M.c.deleted_at.is_not(None))


def _deleted_with(models: Select[tuple[int]]) -> Statement:
    """Return the question for the live versions of deleted models, by stage."""
    there = select(_V.c.stage, func.count()).where(_V.c.deleted_at.is_(None)).group_by(_V.c.stage)
    return Statement(there.where(_V.c.model_id.in_(models)))


_COUNT_MODELS = Statement(_MODELS)
_COUNT_MODELS_OF = Statement(_MODELS.where(_M.c.project_id == bindparam("project_id")))
_COUNT_STAGES = Statement(_STAGES)
_COUNT_STAGES_OF = Statement(_STAGES.where(_IN_PROJECT))
_COUNT_WRITTEN = Statement(_WRITTEN)
_COUNT_WRITTEN_OF = Statement(_WRITTEN.where(_IN_PROJECT))
_COUNT_DELETED = (Statement(_DELETED), _deleted_with(_DELETED_MODELS))
_COUNT_DELETED_OF = (
    Statement(_DELETED.where(_IN_PROJECT)),
    _deleted_with(_DELETED_MODELS.where(_M.c.project_id == bindparam("project_id"))),
)
_COUNT_STAGES_OF_MODEL = Statement(
    select(_V.c.stage, func.count())
    .where(_V.c.model_id == bindparam("model_id"), _V.c.deleted_at.is_(None))
    .group_by(_V.c.stage)
)
_NEWEST_TAGS = Statement(
    select(_M.c.tags)
    .where(_M.c.project_id == bindparam("project_id"), _M.c.deleted_at.is_(None))
    .order_by(_M.c.id.desc())
    .limit(bindparam("count"))
)
_NEWEST_FACTS = Statement(
    select(_V.c.metrics, _V.c.params, _V.c.tags)
    .where(_V.c.project_id == bindparam("project_id"), _V.c.deleted_at.is_(None))
    .order_by(_V.c.id.desc())
    .limit(bindparam("count"))
)
_PLACED = FROM.join(_P, _P.c.id == _M.c.project_id)
_VERSION_PLACE = Statement(
    select(_P.c.name, _M.c.name, _V.c.label)
    .select_from(_PLACED)
    .where(
        _V.c.uid == bindparam("uid"),
        _V.c.deleted_at.is_(None),
        _M.c.deleted_at.is_(None),
    )
)
_MODEL_PLACE = Statement(
    select(_P.c.name, _M.c.name)
    .select_from(_M.join(_P, _P.c.id == _M.c.project_id))
    .where(_M.c.uid == bindparam("uid"), _M.c.deleted_at.is_(None))
)
_VERSIONS = (
    select(*STAMP)
    .select_from(FROM)
    .where(
        _V.c.stage_key == bindparam("stage_key"),
        _V.c.deleted_at.is_(None),
        _M.c.deleted_at.is_(None),
        _V.c.id < bindparam("before"),
    )
    .order_by(_V.c.id.desc())
    .limit(bindparam("count"))
)
_IN_STAGE = Statement(_VERSIONS)
_IN_STAGE_OF = Statement(_VERSIONS.where(_V.c.project_id == bindparam("project_id")))


def count_models(session: Session, project_id: int | None) -> int:
    """Return how many live models there are, in one project or in all that are visible."""
    if project_id is None:
        keys = session.visible_keys
        if keys is None:
            return int(session.value(_COUNT_MODELS))
        return sum(count_models(session, key) for key in keys)
    return int(session.value(_COUNT_MODELS_OF, project_id=project_id))


def count_by_stage(session: Session, project_id: int | None) -> dict[str, int]:
    """Return how many live versions stand in each stage, in one project or in all visible.

    All there are, which an index alone answers, less the deleted, which are few.
    """
    if project_id is None and session.visible_keys is not None:
        found: Counter[str] = Counter()
        for key in session.visible_keys:
            found.update(count_by_stage(session, key))
        return dict(found)
    if project_id is None:
        written, deleted, binds = _COUNT_WRITTEN, _COUNT_DELETED, {}
    else:
        written, deleted = _COUNT_WRITTEN_OF, _COUNT_DELETED_OF
        binds = {"project_id": project_id}
    counts: Counter[str] = Counter()
    for project, key, count, first, last in session.all(written, **binds):
        counts[first] += count
        if first == last:
            continue
        there = {"project_id": project, "stage_key": key}
        plain = session.value(_COUNT_SPELT, stage=first, **there)
        other = session.value(_COUNT_SPELT, stage=last, **there)
        if plain + other != count:  # of more than two minds how to spell it
            by_spelling = _COUNT_STAGES if project_id is None else _COUNT_STAGES_OF
            return dict(session.all(by_spelling, **binds))
        counts.update({first: plain - count, last: other})
    for statement in deleted:
        counts.subtract(dict(session.all(statement, **binds)))
    return {stage: count for stage, count in counts.items() if count}


def count_stages_of(session: Session, model_id: int) -> dict[str, int]:
    """Return how many live versions of one model stand in each stage."""
    return dict(session.all(_COUNT_STAGES_OF_MODEL, model_id=model_id))


def newest_model_tags(session: Session, project_id: int, count: int) -> list[Mapping[str, Any]]:
    """Return the tags of the newest models of a project."""
    rows = session.all(_NEWEST_TAGS, project_id=project_id, count=count)
    return [from_json(tags) for (tags,) in rows]


def newest_facts(
    session: Session, project_id: int, count: int
) -> list[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
    """Return metrics, params and tags of the newest versions of a project."""
    rows = session.all(_NEWEST_FACTS, project_id=project_id, count=count)
    return [(from_json(row[0]), from_json(row[1]), from_json(row[2])) for row in rows]


def find_place(session: Session, uid: str) -> tuple[str, ...] | None:
    """Return ``(project, model, label)`` of a live version, ``(project, model)`` of a model."""
    row = session.one(_VERSION_PLACE, uid=uid) or session.one(_MODEL_PLACE, uid=uid)
    return None if row is None else tuple(row)


def list_by_stage(
    session: Session, stages: Iterable[str], project_id: int | None, before: int, count: int
) -> list[tuple[int, Stamp]]:
    """Return ``(key, stamp)`` of versions in any of ``stages`` (case-folded), newest first."""
    found: list[Stamp] = []
    keys = session.visible_keys if project_id is None else (project_id,)
    # One spelling at a time: only then is the index both the filter and the order.
    for stage_key in sorted(stages):
        binds = {"stage_key": stage_key, "before": before, "count": count}
        if keys is None:
            found += session.all(_IN_STAGE, **binds)
        for key in keys or ():
            found += session.all(_IN_STAGE_OF, project_id=key, **binds)
    newest = heapq.nlargest(count, found, key=lambda stamp: stamp[0])
    return [(stamp[0], stamp) for stamp in newest]


def latest_of_models(session: Session, models: Sequence[int], stage_key: str) -> dict[int, Stamp]:
    """Return, by the model's key, the latest version that stands in a stage, in one question."""
    there = _V.alias()
    latest = (
        select(there.c.id)
        .where(
            there.c.model_id == _M.c.id,
            there.c.stage_key == stage_key,
            there.c.deleted_at.is_(None),
        )
        .order_by(there.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = select(_M.c.id, *STAMP).select_from(_M.join(_V, _V.c.id == latest))
    found = session.all(Question(rows.where(among(_M.c.id, models))))
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in found}
