"""What is known for sure of files: whose their store is, hashes computed here, who has the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, select

from lockgate.storage import artifact_tables, tables
from lockgate.storage.artifacts import PROOFS_ASKED_MAX
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_O = artifact_tables.artifact_owner
_H = artifact_tables.file_hashes
_THE_ROW = 1
_OWNER = Statement(select(_O.c.uid).where(_O.c.id == _THE_ROW))
_NAME_OWNER = inserting(_O)
_KEEP_HASH = inserting(_H)
_ALIKE_MAX = 100
_V = tables.versions
_ALIKE = Statement(
    select(_V.c.id)
    .where(
        _V.c.digest == bindparam("digest"),
        _V.c.model_id == bindparam("model_id"),
        _V.c.created_by == bindparam("created_by"),
        _V.c.created_at >= bindparam("since"),
        _V.c.deleted_at.is_(None),
    )
    .order_by(_V.c.id.desc())
    .limit(_ALIKE_MAX)
)
_hashes_statements: dict[int, Statement] = {}


def find_owner(session: Session) -> str | None:
    """Return the name under which this database owns its artifact store, or None."""
    found: str | None = session.value(_OWNER)
    return found


def name_owner(session: Session) -> str:
    """Return that name; give one where there is none."""
    found = find_owner(session)
    if found is None:
        found = uuid.uuid4().hex
        # Two may try: one is then refused by the primary key, and runs again.
        session.run(_NAME_OWNER, id=_THE_ROW, uid=found)
    return found


def list_hashes(session: Session, contents: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 (hex) of those contents for which it was computed."""
    wanted = sorted(set(contents))
    found: dict[str, str] = {}
    for first in range(0, len(wanted), PROOFS_ASKED_MAX):
        group = wanted[first : first + PROOFS_ASKED_MAX]
        room = 1 << (len(group) - 1).bit_length()  # few statements, whatever the number
        group += [group[-1]] * (room - len(group))
        binds = {f"content_{i}": content for i, content in enumerate(group)}
        found.update({row[0]: row[1] for row in session.all(_hashes_statement(room), **binds)})
    return found


def keep_hashes(session: Session, hashes: Mapping[str, str]) -> None:
    """Keep the SHA-256 of contents; those that are there already stay."""
    known = list_hashes(session, hashes)
    at = session.now_us or session.settle_time(0)
    rows = [
        {"content": content, "sha256": sha256, "at": at}
        for content, sha256 in hashes.items()
        if content not in known
    ]
    session.many(_KEEP_HASH, rows)


def list_alike(
    session: Session, model_id: int, digest: str, created_by: str, since_us: int
) -> list[int]:
    """Return the keys of a model's live versions with these files, by one maker, newest first."""
    rows = session.all(
        _ALIKE, model_id=model_id, digest=digest, created_by=created_by, since=since_us
    )
    return [row[0] for row in rows]


def _hashes_statement(count: int) -> Statement:
    if count not in _hashes_statements:
        contents = [bindparam(f"content_{i}", type_=_H.c.content.type) for i in range(count)]
        _hashes_statements[count] = Statement(
            select(_H.c.content, _H.c.sha256).where(_H.c.content.in_(contents))
        )
    return _hashes_statements[count]
