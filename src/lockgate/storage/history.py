"""History in SQL: passages through stages, and intervals under aliases.

A row of ``transitions`` is both a passage (from, to, by whom, why) and the interval that the
version then stood there: ``[at, left_at)``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, or_, select, update

from lockgate.domain.history import Alias, Occupancy, Transition
from lockgate.domain.moments import from_micros, to_micros
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.models import StoredModel
from lockgate.storage.statements import Statement, inserting
from lockgate.storage.versions import FROM, STAMP, Stamp

_T = tables.transitions
_A = tables.aliases
_V = tables.versions

_CLOSE_STAY = Statement(
    update(_T)
    .where(_T.c.version_id == bindparam("version_id"), _T.c.left_at.is_(None))
    .values(left_at=bindparam("moment"), left_by=bindparam("actor"))
)
_CLOSE_STAYS = Statement(
    update(_T)
    .where(_T.c.model_id == bindparam("key"), _T.c.left_at.is_(None))
    .values(left_at=bindparam("moment"), left_by=bindparam("actor"))
)
_OPEN_STAY = inserting(_T, "id", "left_at", "left_by")
_COLUMNS = (
    _T.c.uid,
    _T.c.from_stage,
    _T.c.to_stage,
    _T.c.verb,
    _T.c.actor,
    _T.c.comment,
    _T.c.cause,
    _T.c.forced,
    _T.c.report,
    _T.c.at,
    _V.c.label,
)
_PASSAGES = Statement(
    select(*_COLUMNS)
    .select_from(_T.join(_V, _V.c.id == _T.c.version_id))
    .where(_T.c.version_id == bindparam("version_id"), _T.c.from_stage.is_not(None))
    .order_by(_T.c.id)
)
_INTO_STAGE = Statement(
    select(_V.c.id, _V.c.label, _T.c.verb, _T.c.left_at, _V.c.deleted_at)
    .select_from(_T.join(_V, _V.c.id == _T.c.version_id))
    .where(_T.c.model_id == bindparam("model_id"), _T.c.to_stage == bindparam("stage"))
    .order_by(_T.c.at, _T.c.id)
)
_CONTENTS = Statement(
    select(_T.c.content_digest)
    .where(
        _T.c.version_id == bindparam("version_id"),
        _T.c.to_stage == bindparam("stage"),
        _T.c.content_digest.is_not(None),
    )
    .distinct()
)
_STAGE_THEN = Statement(
    select(_T.c.to_stage, _T.c.at, _T.c.actor)
    .where(
        _T.c.version_id == bindparam("version_id"),
        _T.c.at <= bindparam("moment"),
        or_(_T.c.left_at.is_(None), _T.c.left_at > bindparam("moment")),
    )
    .limit(1)
)
_STOOD_THEN = (
    select(*STAMP)
    .select_from(FROM.join(_T, _T.c.version_id == _V.c.id))
    .where(
        _T.c.model_id == bindparam("model_id"),
        _T.c.at <= bindparam("moment"),
        or_(_T.c.left_at.is_(None), _T.c.left_at > bindparam("moment")),
    )
    .order_by(_V.c.seq.desc())
    .limit(1)
)
_LATEST_THEN = Statement(_STOOD_THEN)
_IN_STAGE_THEN = Statement(_STOOD_THEN.where(_T.c.to_stage == bindparam("stage")))
_PLACES = Statement(select(_T.c.to_stage).where(_T.c.model_id == bindparam("model_id")).distinct())
_STAYS_OF_VERSION = Statement(
    select(_V.c.label, _T.c.to_stage, _T.c.at, _T.c.left_at, _T.c.actor, _T.c.left_by)
    .select_from(_T.join(_V, _V.c.id == _T.c.version_id))
    .where(_T.c.version_id == bindparam("version_id"))
    .order_by(_T.c.id)
)
_STAYS = Statement(
    select(_V.c.label, _T.c.to_stage, _T.c.at, _T.c.left_at, _T.c.actor, _T.c.left_by)
    .select_from(_T.join(_V, _V.c.id == _T.c.version_id))
    .where(_T.c.model_id == bindparam("model_id"))
    .order_by(_T.c.at.desc(), _T.c.id.desc())
    .limit(bindparam("count"))
)
_NAMINGS = Statement(
    select(_V.c.label, _A.c.alias, _A.c.set_at, _A.c.ended_at, _A.c.set_by, _A.c.ended_by)
    .select_from(_A.join(_V, _V.c.id == _A.c.version_id))
    .where(_A.c.model_id == bindparam("model_id"))
    .order_by(_A.c.set_at.desc(), _A.c.id.desc())
    .limit(bindparam("count"))
)
_ALIAS = (
    select(_V.c.label, _A.c.alias, _A.c.protected, _A.c.set_by, _A.c.set_at, _V.c.id)
    .select_from(_A.join(_V, _V.c.id == _A.c.version_id))
    .where(_A.c.model_id == bindparam("model_id"))
)
_ALIAS_NOW = Statement(_ALIAS.where(_A.c.alias == bindparam("alias"), _A.c.ended_at.is_(None)))
_ALIASES_NOW = Statement(_ALIAS.where(_A.c.ended_at.is_(None)).order_by(_A.c.alias))
_ALIAS_THEN = Statement(
    select(*STAMP)
    .select_from(FROM.join(_A, _A.c.version_id == _V.c.id))
    .where(
        _A.c.model_id == bindparam("model_id"),
        _A.c.alias == bindparam("alias"),
        _A.c.set_at <= bindparam("moment"),
        or_(_A.c.ended_at.is_(None), _A.c.ended_at > bindparam("moment")),
    )
)
_ALIASES_OF_VERSION_THEN = Statement(
    select(_A.c.alias)
    .where(
        _A.c.version_id == bindparam("version_id"),
        _A.c.set_at <= bindparam("moment"),
        or_(_A.c.ended_at.is_(None), _A.c.ended_at > bindparam("moment")),
    )
    .order_by(_A.c.alias)
)
_CLOSE_ALIAS = Statement(
    update(_A)
    .where(
        _A.c.model_id == bindparam("key"),
        _A.c.alias == bindparam("name"),
        _A.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("moment"), ended_by=bindparam("actor"))
)
_CLOSE_ALIASES = Statement(
    update(_A)
    .where(_A.c.model_id == bindparam("key"), _A.c.ended_at.is_(None))
    .values(ended_at=bindparam("moment"), ended_by=bindparam("actor"))
)
_WAS_PROTECTED = Statement(
    select(_A.c.protected)
    .where(_A.c.model_id == bindparam("model_id"), _A.c.alias == bindparam("alias"))
    .order_by(_A.c.id.desc())
    .limit(1)
)
_OPEN_ALIAS = inserting(_A, "id", "ended_at", "ended_by")
_LIVE_VERSIONS = Statement(
    select(_V.c.id, _V.c.label, _V.c.stage, _V.c.aliases).where(
        _V.c.model_id == bindparam("model_id"), _V.c.deleted_at.is_(None)
    )
)
_STANDING = Statement(
    select(_V.c.id, _V.c.label).where(
        _V.c.model_id == bindparam("model_id"),
        _V.c.stage_key == bindparam("stage_key"),
        _V.c.deleted_at.is_(None),
    )
)


def record_passage(
    session: Session,
    stored: StoredModel,
    version_id: int,
    passage: Transition,
    *,
    first: bool = False,
    content: str | None = None,
) -> None:
    """End the version's stay where it stands and begin the one that ``passage`` leads to.

    ``content`` is the digest of what was let in, see `domain.approvals.content_digest`.

    ``first`` marks a stay that nothing preceded (a registration, a restore): it is an interval,
    but no passage.
    """
    moment = to_micros(passage.at)
    if not first:
        session.run(_CLOSE_STAY, version_id=version_id, moment=moment, actor=passage.actor)
    session.run(
        _OPEN_STAY,
        uid=passage.uid,
        model_id=stored.id,
        version_id=version_id,
        from_stage=None if first else passage.from_stage,
        to_stage=passage.to_stage,
        verb=passage.verb,
        actor=passage.actor,
        comment=passage.comment,
        cause=passage.cause,
        forced=passage.forced,
        report=None if passage.report is None else to_json(passage.report),
        at=moment,
        content_digest=content,
    )


def close_stay(session: Session, version_id: int, actor: str) -> None:
    """End the stay of a version that is deleted."""
    session.run(_CLOSE_STAY, version_id=version_id, moment=session.now_us, actor=actor)


def close_model(session: Session, model_id: int, actor: str) -> None:
    """End every stay and alias of a model that is deleted."""
    session.run(_CLOSE_STAYS, key=model_id, moment=session.now_us, actor=actor)
    session.run(_CLOSE_ALIASES, key=model_id, moment=session.now_us, actor=actor)


def live_versions(session: Session, model_id: int) -> list[tuple[int, str, str, list[str]]]:
    """Return ``(key, label, stage, aliases)`` of every live version of a model."""
    rows = session.all(_LIVE_VERSIONS, model_id=model_id)
    return [(key, label, stage, from_json(names)) for key, label, stage, names in rows]


def standing_in(session: Session, model_id: int, stage: str) -> list[tuple[int, str]]:
    """Return ``(key, label)`` of the versions that stand in a stage."""
    rows = session.all(_STANDING, model_id=model_id, stage_key=stage.casefold())
    return [(key, label) for key, label in rows]


def list_passages(session: Session, stored: StoredModel, version_id: int) -> list[Transition]:
    """Return a version's transitions, oldest first."""
    return [_transition(row, stored) for row in session.all(_PASSAGES, version_id=version_id)]


def entries_into(
    session: Session, model_id: int, stage: str
) -> list[tuple[int, str, str, Any, Any]]:
    """Return ``(key, label, verb, left_at, deleted_at)`` of every stay in a stage, oldest first."""
    return [tuple(row) for row in session.all(_INTO_STAGE, model_id=model_id, stage=stage)]


def contents_let_in(session: Session, version_id: int, stage: str) -> set[str]:
    """Return the digests of what was let into a stage as this version."""
    return {row[0] for row in session.all(_CONTENTS, version_id=version_id, stage=stage)}


def stage_then(session: Session, version_id: int, at_us: int) -> tuple[str, int] | None:
    """Return the stage a version stood in at a moment and since when, or None."""
    row = session.one(_STAGE_THEN, version_id=version_id, moment=at_us)
    return None if row is None else (row[0], row[1])


def find_in_stage_then(session: Session, model_id: int, stage: str, at_us: int) -> Stamp | None:
    """Return the latest version that stood in a stage at a moment, or None."""
    found: Stamp | None = session.one(_IN_STAGE_THEN, model_id=model_id, stage=stage, moment=at_us)
    return found


def find_place(session: Session, model_id: int, word: str) -> str | None:
    """Return the spelling of a stage that a version of the model ever stood in, or None."""
    places = session.all(_PLACES, model_id=model_id)
    return next((row[0] for row in places if row[0].casefold() == word.casefold()), None)


def find_latest_then(session: Session, model_id: int, at_us: int) -> Stamp | None:
    """Return the version with the highest number that existed at a moment, or None."""
    found: Stamp | None = session.one(_LATEST_THEN, model_id=model_id, moment=at_us)
    return found


def find_alias_then(session: Session, model_id: int, alias: str, at_us: int) -> Stamp | None:
    """Return the version that an alias named at a moment, or None."""
    found: Stamp | None = session.one(_ALIAS_THEN, model_id=model_id, alias=alias, moment=at_us)
    return found


def aliases_then(session: Session, version_id: int, at_us: int) -> tuple[str, ...]:
    """Return the aliases that named a version at a moment."""
    rows = session.all(_ALIASES_OF_VERSION_THEN, version_id=version_id, moment=at_us)
    return tuple(row[0] for row in rows)


def find_alias(session: Session, stored: StoredModel, alias: str) -> tuple[int, Alias] | None:
    """Return the key of the version that an alias names, and the alias, or None."""
    row = session.one(_ALIAS_NOW, model_id=stored.id, alias=alias)
    return None if row is None else (row[5], _alias(row, stored))


def list_aliases(session: Session, stored: StoredModel) -> list[Alias]:
    """Return the aliases of a model, by name."""
    return [_alias(row, stored) for row in session.all(_ALIASES_NOW, model_id=stored.id)]


def open_alias(session: Session, stored: StoredModel, version_id: int, alias: Alias) -> None:
    """Make an alias name a version from now on."""
    close_alias(session, stored, alias.alias, alias.set_by)
    session.run(
        _OPEN_ALIAS,
        model_id=stored.id,
        version_id=version_id,
        alias=alias.alias,
        protected=alias.protected,
        set_by=alias.set_by,
        set_at=to_micros(alias.set_at),
    )


def reopen_alias(
    session: Session, stored: StoredModel, version_id: int, alias: str, actor: str
) -> None:
    """Let an alias of a restored model name its version again, protected as it was."""
    protected = bool(session.value(_WAS_PROTECTED, model_id=stored.id, alias=alias))
    session.run(
        _OPEN_ALIAS,
        model_id=stored.id,
        version_id=version_id,
        alias=alias,
        protected=protected,
        set_by=actor,
        set_at=session.now_us,
    )


def close_alias(session: Session, stored: StoredModel, alias: str, actor: str) -> None:
    """Make an alias name nothing from now on."""
    session.run(_CLOSE_ALIAS, key=stored.id, name=alias, moment=session.now_us, actor=actor)


def list_occupancies(session: Session, stored: StoredModel, count: int) -> list[Occupancy]:
    """Return who stood where from when to when, stages and aliases, oldest first.

    Of more than ``count``, the newest.
    """
    stays = session.all(_STAYS, model_id=stored.id, count=count)
    namings = session.all(_NAMINGS, model_id=stored.id, count=count)
    found = [_occupancy(row, "stage", stored) for row in reversed(stays)]
    found += [_occupancy(row, "alias", stored) for row in reversed(namings)]
    return sorted(found, key=lambda each: each.since)[-count:]


def stays_of(session: Session, stored: StoredModel, version_id: int) -> list[Occupancy]:
    """Return where one version stood from when to when, oldest first."""
    rows = session.all(_STAYS_OF_VERSION, version_id=version_id)
    return [_occupancy(row, "stage", stored) for row in rows]


def _occupancy(row: Any, kind: Any, stored: StoredModel) -> Occupancy:
    label, place, since, until, by, ended_by = row
    return Occupancy(
        project=stored.model.project,
        model=stored.model.name,
        version=label,
        kind=kind,
        place=place,
        since=from_micros(since),
        until=None if until is None else from_micros(until),
        by=by,
        ended_by=ended_by,
    )


def _alias(row: Any, stored: StoredModel) -> Alias:
    return Alias(
        project=stored.model.project,
        model=stored.model.name,
        version=row[0],
        alias=row[1],
        protected=bool(row[2]),
        set_by=row[3],
        set_at=from_micros(row[4]),
    )


def _transition(row: Any, stored: StoredModel) -> Transition:
    uid, source, target, verb, actor, comment, cause, forced, report, at, label = row
    return Transition(
        uid=uid,
        project=stored.model.project,
        model=stored.model.name,
        version=label,
        from_stage=source,
        to_stage=target,
        verb=verb,
        actor=actor,
        comment=comment,
        cause=cause,
        forced=bool(forced),
        report=None if report is None else from_json(report),
        at=from_micros(at),
    )
