"""Model versions in SQL.

A read asks the database for a version's key and stamp only; the row behind a stamp never
changes, so what was decoded once is handed out again. The database stays the judge of what is
current on every read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, literal_column, select

from lockgate.domain import names
from lockgate.domain.moments import from_micros, to_micros
from lockgate.domain.versions import NO_SOURCES, ModelVersion, Sources
from lockgate.errors import VersionNotFound
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, frozen_from_json, to_json, to_json_in_order
from lockgate.storage.models import StoredModel
from lockgate.storage.numbers import to_numeric
from lockgate.storage.statements import Statement, adding, inserting, updating

_T = tables.versions
_M = tables.models
_P = tables.projects
_A = tables.aliases

Stamp = tuple[int, int, int, str]
"""Key, revision, time of the last change, and the model's name: what a decoded row hangs on."""

STAMP = (_T.c.id, _T.c.revision, _T.c.updated_at, _M.c.name)
FROM = _T.join(_M, _M.c.id == _T.c.model_id)
_ROW = (
    _P.c.name.label("project"),
    *(
        _T.c[column]
        for column in (  # noqa: SIM905  one a line would be longer to read
            "id uid label seq stage stage_since description artifact_uri digest metrics params "
            "tags metadata aliases run_id dataset code parents approved_by approved_at "
            "created_by created_at updated_at deleted_at revision"
        ).split()
    ),
)


def _stamps(*conditions: Any) -> Select[Any]:
    """Versions of the live model ``:project/:name`` that meet the conditions."""
    return (
        select(*STAMP)
        .select_from(FROM)
        .join(_P, _P.c.id == _M.c.project_id)
        .where(
            _P.c.name == bindparam("project"),
            _M.c.name == bindparam("name"),
            _M.c.deleted_at.is_(None),
            _T.c.deleted_at.is_(None),
            *conditions,
        )
    )


BY_LABEL = Statement(_stamps(_T.c.label == bindparam("label")))
BY_SEQ = Statement(_stamps(_T.c.seq == bindparam("seq")))
BY_DIGEST = Statement(
    _stamps(_T.c.digest == bindparam("digest")).order_by(_T.c.seq.desc()).limit(1)
)
# Written out, so that a hot statement has nothing to bind but the question.
ONE: ColumnElement[int] = literal_column("1")
_HERE = (_T.c.model_id == bindparam("model_id"), _T.c.deleted_at.is_(None))
_STANDING_HERE = (*_HERE, _T.c.stage_key == bindparam("stage_key"))
_OF_MODEL = select(*STAMP).select_from(FROM)
# The same by either word of a lifecycle's `latest_by`: within a model time moves forward, so the
# version with the highest number is the one that was registered last.
_LATEST = _OF_MODEL.order_by(_T.c.seq.desc()).limit(ONE)
LATEST_OF_MODEL = Statement(_LATEST.where(*_HERE))
LATEST_OF_MODEL_IN_STAGE = Statement(_LATEST.where(*_STANDING_HERE))
ALIAS_OF_MODEL = Statement(
    select(*STAMP)
    .select_from(FROM.join(_A, _A.c.version_id == _T.c.id))
    .where(
        _A.c.model_id == bindparam("model_id"),
        _A.c.alias == bindparam("alias"),
        _A.c.ended_at.is_(None),
    )
)
OF_MODEL = Statement(
    select(*STAMP)
    .select_from(FROM)
    .where(
        _T.c.model_id == bindparam("model_id"),
        _T.c.deleted_at.is_(None),
        _T.c.seq < bindparam("before"),
    )
    .order_by(_T.c.seq.desc())
    .limit(bindparam("count"))
)
OF_MODEL_IN_STAGE = Statement(
    select(*STAMP)
    .select_from(FROM)
    .where(
        _T.c.model_id == bindparam("model_id"),
        _T.c.deleted_at.is_(None),
        _T.c.stage_key == bindparam("stage_key"),
        _T.c.seq < bindparam("before"),
    )
    .order_by(_T.c.seq.desc())
    .limit(bindparam("count"))
)
_WHOLE = select(*_ROW).select_from(_T.join(_P, _P.c.id == _T.c.project_id))
_BY_ID = Statement(_WHOLE.where(_T.c.id == bindparam("id")))
_WHOLE_HERE = _WHOLE.where(_T.c.model_id == bindparam("model_id"))
_WHOLE_BY_LABEL = Statement(_WHOLE_HERE.where(_T.c.label == bindparam("label")))
_WHOLE_BY_SEQ = Statement(_WHOLE_HERE.where(_T.c.seq == bindparam("seq")))
_ANY_LABEL = Statement(
    select(_T.c.id, _T.c.deleted_at).where(
        _T.c.model_id == bindparam("model_id"), _T.c.label == bindparam("label")
    )
)
_ANY_SEQ = Statement(
    select(_T.c.id, _T.c.deleted_at).where(
        _T.c.model_id == bindparam("model_id"), _T.c.seq == bindparam("seq")
    )
)
_STAMP_BY_ID = Statement(select(*STAMP).select_from(FROM).where(_T.c.id == bindparam("id")))
_LATEST_LABEL = Statement(
    select(_T.c.label)
    .where(_T.c.model_id == bindparam("model_id"), _T.c.deleted_at.is_(None))
    .order_by(_T.c.seq.desc())
    .limit(1)
)
_INSERT = adding(_T)
_FACTS = {
    "metrics": tables.version_metrics,
    "params": tables.version_params,
    "tags": tables.version_tags,
}
_FACTS_GO = {
    kind: Statement(delete(table).where(table.c.version_id == bindparam("key")))
    for kind, table in _FACTS.items()
}
_FACTS_COME = {kind: inserting(table) for kind, table in _FACTS.items()}


class VersionCache:
    """Decoded versions by stamp, the oldest dropped first."""

    def __init__(self, entries_max: int = 32_000) -> None:
        self._entries_max = entries_max
        self._entries: dict[int, tuple[Stamp, ModelVersion]] = {}
        self._lock = Lock()

    def load(self, session: Session, stamp: Stamp) -> ModelVersion:
        """Return the version behind ``stamp``, decoded now or before."""
        entry = self._entries.get(stamp[0])
        if entry is not None and entry[0] == stamp:
            return entry[1]
        version = load_version_by_id(session, stamp[0], stamp[3])
        self._keep(stamp, version)
        return version

    def load_all(self, session: Session, stamps: list[Stamp]) -> list[ModelVersion]:
        """Return the versions behind ``stamps`` in order, asking at most once for the missing."""
        found: dict[int, ModelVersion] = {}
        missing: dict[int, Stamp] = {}
        for stamp in stamps:
            stamp = tuple(stamp)  # type: ignore[assignment]
            entry = self._entries.get(stamp[0])
            if entry is not None and entry[0] == stamp:
                found[stamp[0]] = entry[1]
            else:
                missing[stamp[0]] = stamp
        if missing:
            # One statement for each number of keys would fill every cache: ask in powers of two.
            keys = list(missing)
            room = 1 << (len(keys) - 1).bit_length()
            keys += [keys[-1]] * (room - len(keys))
            binds = {f"id_{i}": key for i, key in enumerate(keys)}
            for row in session.all(_rows_statement(room), **binds):
                version = _version(row, missing[row[1]][3])
                found[row[1]] = version
                self._keep(missing[row[1]], version)
        return [found[stamp[0]] for stamp in stamps if stamp[0] in found]

    def _keep(self, stamp: Stamp, version: ModelVersion) -> None:
        with self._lock:
            if len(self._entries) >= self._entries_max:
                self._entries.pop(next(iter(self._entries)))
            self._entries[stamp[0]] = (tuple(stamp), version)  # type: ignore[assignment]


_rows_statements: dict[int, Statement] = {}


def _rows_statement(count: int) -> Statement:
    if count not in _rows_statements:
        keys = [bindparam(f"id_{i}", type_=_T.c.id.type) for i in range(count)]
        _rows_statements[count] = Statement(_WHOLE.where(_T.c.id.in_(keys)))
    return _rows_statements[count]


def load_version_by_id(session: Session, key: int, model: str) -> ModelVersion:
    """Return a version by key, deleted or not; ``model`` is its model's name."""
    row = session.one(_BY_ID, id=key)
    if row is None:
        raise VersionNotFound(version=str(key), model=model)
    return _version(row, model)


def find_key(session: Session, stored: StoredModel, label: str) -> tuple[int, bool] | None:
    """Return ``(key, deleted)`` of the version called ``label``, or of that number, or None."""
    label = names.sought(label, "version")
    row = session.one(_ANY_LABEL, model_id=stored.id, label=label)
    if row is None and _is_number(label):
        row = session.one(_ANY_SEQ, model_id=stored.id, seq=int(label))
    return None if row is None else (row[0], row[1] is not None)


def _is_number(label: str) -> bool:
    """Say whether a label may be meant as a number (``seq``), of 64 bits."""
    return label.isdecimal() and len(label) < 18


def label_taken(session: Session, model_id: int, label: str) -> bool:
    """Say whether a version, deleted or not, is called ``label``."""
    return session.one(_ANY_LABEL, model_id=model_id, label=label) is not None


def stamp_of(session: Session, key: int) -> Stamp | None:
    """Return the stamp of a version by key, deleted or not, or None."""
    stamp: Stamp | None = session.one(_STAMP_BY_ID, id=key)
    return stamp


def latest_label(session: Session, model_id: int) -> str | None:
    """Return the label of a model's newest live version, or None."""
    found: str | None = session.value(_LATEST_LABEL, model_id=model_id)
    return found


def load_version(
    session: Session, stored: StoredModel, label: str | int
) -> tuple[int, ModelVersion]:
    """Return key and version for a change, by its label or else its number. Of an integer, the
    version of that number, whatever it is called. Raises `VersionNotFound`.
    """
    if isinstance(label, int):
        row = session.one(_WHOLE_BY_SEQ, model_id=stored.id, seq=label)
    else:
        label = names.sought(label, "version")
        row = session.one(_WHOLE_BY_LABEL, model_id=stored.id, label=label)
        if row is None and _is_number(label):
            row = session.one(_WHOLE_BY_SEQ, model_id=stored.id, seq=int(label))
    version = None if row is None else _version(row, stored.model.name)
    if version is None or version.deleted_at is not None:
        raise VersionNotFound(version=str(label), model=stored.model.name)
    return row[1], version


def insert_version(
    session: Session, stored: StoredModel, version: ModelVersion, exclusive: bool
) -> int:
    """Add a version; return its key."""
    key: int = session.value(
        _INSERT,
        uid=version.uid,
        project_id=stored.project_id,
        model_id=stored.id,
        label=version.label,
        seq=version.seq,
        created_by=version.created_by,
        created_at=to_micros(version.created_at),
        exclusive_stage=version.stage if exclusive else None,
        **_columns(version),
    )
    for kind in _FACTS:
        _write_facts(session, key, kind, version)
    return key


def update_version(
    session: Session, key: int, before: ModelVersion, after: ModelVersion, exclusive: bool
) -> ModelVersion:
    """Write a changed version of a locked model; return it with its new revision."""
    after = replace(after, updated_at=session.now, revision=before.revision + 1)
    changed = _columns(after, before)
    changed["exclusive_stage"] = after.stage if exclusive else None
    new = {f"new_{column}": value for column, value in changed.items()}
    session.run(updating(_T, tuple(changed)), key=key, **new)
    for kind in _FACTS:
        # Not by value: to Python 1 and true are equal, to a search they are not.
        if getattr(after, kind) is not getattr(before, kind):
            session.run(_FACTS_GO[kind], key=key)
            _write_facts(session, key, kind, after)
    return after


def _write_facts(session: Session, key: int, kind: str, version: ModelVersion) -> None:
    rows: list[dict[str, Any]] = []
    for name, value in getattr(version, kind).items():
        if value is None:
            continue  # to a search, a param that is null is absent
        row = {"version_id": key, "key": name, "value": value}
        if kind == "metrics":
            row["value"] = to_numeric(value, session.dialect)
        elif kind == "params":
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            row["number"] = to_numeric(value, session.dialect) if numeric else None
            row["value"] = value if isinstance(value, str) else to_json(value)
        rows.append(row)
    session.many(_FACTS_COME[kind], rows)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _as_it_is(value: Any) -> Any:
    return value


_ENCODED: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "stage": ("stage", _as_it_is),
    "stage_key": ("stage", str.casefold),
    "stage_since": ("stage_since", to_micros),
    "description": ("description", _as_it_is),
    "artifact_uri": ("artifact_uri", _as_it_is),
    "digest": ("digest", _as_it_is),
    "metrics": ("metrics", to_json),
    "params": ("params", to_json),
    "tags": ("tags", to_json_in_order),
    "metadata": ("metadata", to_json),
    "aliases": ("aliases", to_json),
    "run_id": ("sources", attrgetter("run_id")),
    "dataset": ("sources", attrgetter("dataset")),
    "code": ("sources", attrgetter("code")),
    "parents": ("sources", lambda sources: to_json(sources.parents)),
    "approved_by": ("approved_by", _as_it_is),
    "approved_at": ("approved_at", _micros),
    "updated_at": ("updated_at", to_micros),
    "deleted_at": ("deleted_at", _micros),
    "revision": ("revision", _as_it_is),
}
"""What may change of a version: a column, its field, and how the field is written."""


def _columns(version: ModelVersion, before: ModelVersion | None = None) -> dict[str, Any]:
    """Return the columns of a version; of a changed one, those of fields that are not the same.

    Not by value: see `update_version`.
    """
    return {
        column: encode(getattr(version, field))
        for column, (field, encode) in _ENCODED.items()
        if before is None or getattr(version, field) is not getattr(before, field)
    }


def _version(row: Any, model: str) -> ModelVersion:
    (project, _, uid, label, seq, stage, stage_since, description, artifact_uri, digest) = row[:10]
    (metrics, params, tags, metadata, aliases, run_id, dataset, code, parents) = row[10:19]
    (approved_by, approved_at, created_by, created_at, updated_at, deleted_at, revision) = row[19:]
    bare = run_id is None and dataset is None and code is None and parents == "[]"
    return ModelVersion(
        uid=uid,
        project=project,
        model=model,
        label=label,
        seq=seq,
        stage=stage,
        stage_since=from_micros(stage_since),
        description=description,
        artifact_uri=artifact_uri,
        digest=digest,
        metrics=frozen_from_json(metrics),
        params=frozen_from_json(params),
        tags=frozen_from_json(tags),
        metadata=frozen_from_json(metadata),
        aliases=() if aliases == "[]" else tuple(from_json(aliases)),
        sources=NO_SOURCES
        if bare
        else Sources(run_id=run_id, dataset=dataset, code=code, parents=tuple(from_json(parents))),
        approved_by=approved_by,
        approved_at=None if approved_at is None else from_micros(approved_at),
        created_by=created_by,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        deleted_at=None if deleted_at is None else from_micros(deleted_at),
        revision=revision,
    )
