"""Splits and outcomes in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.splits import Arm, Segment, Split
from lockgate.domain.trials import Tally
from lockgate.storage import split_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.models import StoredModel
from lockgate.storage.statements import Statement, inserting

_S = split_tables.splits
_O = split_tables.outcome_tallies
_B = split_tables.outcome_batches
_V = tables.versions
_FIND = Statement(select(*_S.c).where(_S.c.model_id == bindparam("model_id")))
_ADD = inserting(_S)
_CHANGE = Statement(
    update(_S)
    .where(_S.c.model_id == bindparam("key"))
    .values({name: bindparam(f"new_{name}") for name in _S.c.keys()[2:]})
)
_REMOVE = Statement(delete(_S).where(_S.c.model_id == bindparam("model_id")))
_TALLY_COLUMNS = (_O.c.kind, _O.c.n, _O.c.total, _O.c.squares)
_TALLY = Statement(
    select(*_TALLY_COLUMNS).where(
        _O.c.version_id == bindparam("version_id"), _O.c.metric == bindparam("metric")
    )
)
_METRICS = Statement(
    select(_O.c.metric)
    .where(_O.c.version_id == bindparam("version_id"))
    .order_by(_O.c.metric)
    .limit(bindparam("count"))
)
_TALLY_OF_UID = Statement(
    select(*_TALLY_COLUMNS)
    .select_from(_O.join(_V, _V.c.id == _O.c.version_id))
    .where(_V.c.uid == bindparam("uid"), _O.c.metric == bindparam("metric"))
)
_ADD_TALLY = inserting(_O)
_CHANGE_TALLY = Statement(
    update(_O)
    .where(_O.c.version_id == bindparam("key"), _O.c.metric == bindparam("name"))
    .values({name: bindparam(f"new_{name}") for name in ("n", "total", "squares", "changed_at")})
)
_BATCH = Statement(
    select(_B.c.digest).where(
        _B.c.model_id == bindparam("model_id"), _B.c.batch == bindparam("batch")
    )
)
_ADD_BATCH = inserting(_B)
_FORGET = Statement(
    delete(_B).where(_B.c.model_id == bindparam("model_id"), _B.c.at < bindparam("before"))
)


def find_split(session: Session, stored: StoredModel) -> Split | None:
    """Return the split of a model, or None."""
    row = session.one(_FIND, model_id=stored.id)
    if row is None:
        return None
    _, uid, arms, ring, revision, moved, set_by, set_at = row
    return Split(
        uid=uid,
        project=stored.model.project,
        model=stored.model.name,
        arms=tuple(Arm(**each) for each in from_json(arms)),
        ring=tuple(Segment(arm=a, start=s, end=e) for a, s, e in from_json(ring)),
        revision=revision,
        moved=moved,
        set_by=set_by,
        set_at=from_micros(set_at),
    )


def add_split(session: Session, model_id: int, made: Split) -> None:
    """Give a model a split, which has none."""
    session.run(_ADD, model_id=model_id, uid=made.uid, **_columns(made))


def update_split(session: Session, model_id: int, after: Split) -> None:
    """Write what of a model's split can change."""
    columns = {f"new_{name}": value for name, value in _columns(after).items()}
    session.run(_CHANGE, key=model_id, **columns)


def remove_split(session: Session, model_id: int) -> None:
    """Take a model's split away."""
    session.run(_REMOVE, model_id=model_id)


def find_tally(session: Session, version_id: int, metric: str) -> Tally | None:
    """Return what was reported of a metric on a version, or None."""
    return _tally(session.one(_TALLY, version_id=version_id, metric=metric))


def list_metrics(session: Session, version_id: int, count: int) -> tuple[str, ...]:
    """Return up to ``count`` metrics that outcomes of a version were reported of, by name."""
    return tuple(row[0] for row in session.all(_METRICS, version_id=version_id, count=count))


def find_tally_of(session: Session, uid: str, metric: str) -> Tally | None:
    """Return what was reported of a metric on the version with this uid, or None."""
    return _tally(session.one(_TALLY_OF_UID, uid=uid, metric=metric))


def put_tally(
    session: Session, version_id: int, metric: str, tally: Tally, *, is_new: bool
) -> None:
    """Write all that was reported of a metric on a version."""
    moment = session.settle_time(0)
    if is_new:
        session.run(
            _ADD_TALLY, version_id=version_id, metric=metric, changed_at=moment, **asdict(tally)
        )
        return
    session.run(
        _CHANGE_TALLY,
        key=version_id,
        name=metric,
        new_n=tally.n,
        new_total=tally.total,
        new_squares=tally.squares,
        new_changed_at=moment,
    )


def find_batch(session: Session, model_id: int, batch: str) -> str | None:
    """Return the digest of a batch that was counted before, or None."""
    found: str | None = session.value(_BATCH, model_id=model_id, batch=batch)
    return found


def add_batch(session: Session, model_id: int, batch: str, digest: str, keep_us: int) -> None:
    """Note that a batch is counted, and forget those of longer than ``keep_us`` ago."""
    moment = session.settle_time(0)
    session.run(_FORGET, model_id=model_id, before=moment - keep_us)
    session.run(_ADD_BATCH, model_id=model_id, batch=batch, digest=digest, at=moment)


def _columns(split: Split) -> dict[str, Any]:
    return {
        "arms": to_json([asdict(each) for each in split.arms]),
        "ring": to_json([[each.arm, each.start, each.end] for each in split.ring]),
        "revision": split.revision,
        "moved": split.moved,
        "set_by": split.set_by,
        "set_at": to_micros(split.set_at),
    }


def _tally(row: Any) -> Tally | None:
    if row is None:
        return None
    kind, n, total, squares = row
    return Tally(kind=kind, n=n, total=total, squares=squares)
