"""Lifecycle revisions in SQL. A row never changes, so each is parsed once a process."""

from __future__ import annotations

import hashlib

from sqlalchemy import bindparam, func, select

from lockgate.domain.audit import canonical_json
from lockgate.domain.lifecycle_documents import lifecycle_document, parse_lifecycle
from lockgate.domain.lifecycles import Lifecycle
from lockgate.domain.presets import PRESET_DOCUMENTS, preset
from lockgate.errors import LifecycleNotFound
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.encoding import from_json, to_json
from lockgate.storage.schema import LOCK_KEY
from lockgate.storage.statements import Statement, inserting

_T = tables.lifecycles
_BY_ID = Statement(select(_T.c.document, _T.c.revision).where(_T.c.id == bindparam("id")))
_LATEST = Statement(
    select(_T.c.id, _T.c.digest)
    .where(_T.c.name == bindparam("name"))
    .order_by(_T.c.revision.desc())
    .limit(1)
)
_EXACT = Statement(
    select(_T.c.id).where(_T.c.name == bindparam("name"), _T.c.revision == bindparam("revision"))
)
_SAME = Statement(
    select(_T.c.id).where(_T.c.name == bindparam("name"), _T.c.digest == bindparam("digest"))
)
_ALL = Statement(select(_T.c.id).order_by(_T.c.name, _T.c.revision))
_NEXT = Statement(
    select(func.coalesce(func.max(_T.c.revision), 0) + 1).where(_T.c.name == bindparam("name"))
)
_INSERT = inserting(_T, "id")
_LOCK = Statement(select(func.pg_advisory_xact_lock(LOCK_KEY)))


class LifecycleCache:
    """Parsed lifecycles by key; bounded, since revisions are few and never change."""

    ENTRIES_MAX = 1_000

    def __init__(self) -> None:
        self._parsed: dict[int, Lifecycle] = {}

    def load(self, session: Session, key: int) -> Lifecycle:
        """Return the lifecycle stored under ``key``."""
        found = self._parsed.get(key)
        if found is None:
            row = session.one(_BY_ID, id=key)
            if row is None:
                raise LifecycleNotFound(lifecycle=str(key))
            found = parse_lifecycle(from_json(row[0]), revision=row[1])
            if len(self._parsed) >= self.ENTRIES_MAX:
                self._parsed.clear()
            self._parsed[key] = found
        return found


def lifecycle_digest(lifecycle: Lifecycle) -> str:
    """Return the SHA-256 of the document: equal documents are one revision."""
    return hashlib.sha256(canonical_json(lifecycle_document(lifecycle))).hexdigest()


def lock_lifecycles(session: Session) -> None:
    """Wait until nobody else adds a revision, and keep others waiting until the commit.

    Whoever looks whether a document is there and then adds it holds this first. SQLite has one
    writer anyway.
    """
    if session.dialect == "postgresql":
        session.one(_LOCK)


def find_latest(session: Session, name: str) -> tuple[int, str] | None:
    """Return the key and digest of the newest revision, or None."""
    row = session.one(_LATEST, name=name)
    return None if row is None else (row[0], row[1])


def find_revision(session: Session, name: str, revision: int) -> int | None:
    """Return the key of one revision, or None."""
    found = session.value(_EXACT, name=name, revision=revision)
    return None if found is None else int(found)


def all_keys(session: Session) -> list[int]:
    """Return the key of every revision, by name and revision."""
    return [row[0] for row in session.all(_ALL)]


def insert_lifecycle(session: Session, lifecycle: Lifecycle, actor: str) -> tuple[int, int]:
    """Add a revision; return its key and its number."""
    revision = int(session.value(_NEXT, name=lifecycle.name))
    session.run(
        _INSERT,
        name=lifecycle.name,
        revision=revision,
        digest=lifecycle_digest(lifecycle),
        document=to_json(lifecycle_document(lifecycle)),
        created_by=actor,
        created_at=session.settle_time(0),
    )
    key = find_revision(session, lifecycle.name, revision)
    assert key is not None, "inserted above"  # noqa: S101
    return key, revision


def missing_presets(session: Session) -> list[Lifecycle]:
    """Return the presets of this Lockgate that no stored revision equals."""
    presets = [preset(name) for name in PRESET_DOCUMENTS]
    return [
        each
        for each in presets
        if session.one(_SAME, name=each.name, digest=lifecycle_digest(each)) is None
    ]
