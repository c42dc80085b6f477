"""Protections in SQL: which stages and aliases need a role or a permission of their own."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from lockgate.domain.access import Protection
from lockgate.domain.moments import from_micros, to_micros
from lockgate.storage import access_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

PROJECT_KEY = 0
_T = access_tables.protections
_M = tables.models
_ALL = Statement(
    select(
        *(_T.c.model_key, _T.c.kind, _T.c.name, _T.c.needs, _T.c.set_by, _T.c.set_at),
        _M.c.name.label("model"),
    )
    .select_from(_T.outerjoin(_M, _M.c.id == _T.c.model_key))
    .where(
        _T.c.project_id == bindparam("project_id"),
        (_T.c.model_key == PROJECT_KEY) | (_M.c.deleted_at.is_(None)),
    )
    .order_by(_T.c.model_key, _T.c.kind, _T.c.name_key)
)
_GUARDING = Statement(
    select(_T.c.name, _T.c.needs).where(
        _T.c.project_id == bindparam("project_id"),
        _T.c.model_key.in_([PROJECT_KEY, bindparam("model_key")]),
        _T.c.kind == bindparam("kind"),
        _T.c.name_key == bindparam("name_key"),
    )
)
_DROP = Statement(
    delete(_T).where(
        _T.c.project_id == bindparam("p"),
        _T.c.model_key == bindparam("m"),
        _T.c.kind == bindparam("k"),
        _T.c.name_key == bindparam("n"),
    )
)
_ADD = inserting(_T)


def list_protections(session: Session, project_id: int, project: str) -> list[Protection]:
    """Return what is protected in a project, the project's own first."""
    return [
        Protection(
            project=project,
            model=model,
            kind=kind,
            name=name,
            needs=needs,
            set_by=set_by,
            set_at=from_micros(set_at),
        )
        for _, kind, name, needs, set_by, set_at, model in session.all(_ALL, project_id=project_id)
    ]


def needs_of(session: Session, project_id: int, model_key: int, kind: str, name: str) -> list[str]:
    """Return every role or permission that a stage or alias of a model needs."""
    rows = session.all(
        _GUARDING, project_id=project_id, model_key=model_key, kind=kind, name_key=name.casefold()
    )
    return [needs for _, needs in rows]


def put_protection(
    session: Session, project_id: int, model_key: int, protection: Protection
) -> None:
    """Protect a stage or an alias, in place of how it was protected before."""
    drop_protection(session, project_id, model_key, protection.kind, protection.name)
    session.run(
        _ADD,
        project_id=project_id,
        model_key=model_key,
        kind=protection.kind,
        name_key=protection.name.casefold(),
        name=protection.name,
        needs=protection.needs,
        set_by=protection.set_by,
        set_at=to_micros(protection.set_at),
    )


def drop_protection(
    session: Session, project_id: int, model_key: int, kind: str, name: str
) -> bool:
    """Take a protection away; return whether there was one."""
    return session.run(_DROP, p=project_id, m=model_key, k=kind, n=name.casefold()) > 0
