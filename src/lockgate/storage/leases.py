"""Leases in SQL: one process of all does a piece of work, and another when it dies.

A holder makes its beat another one now and then. Whoever sees the same beat for the length of the
lease, by a clock of their own, may take it from exactly that beat: no clocks need to agree.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from lockgate.storage import event_tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_T = event_tables.leases
_FIND = Statement(select(_T.c.holder, _T.c.beat).where(_T.c.name == bindparam("name")))
_TAKE = Statement(
    update(_T)
    .where(
        _T.c.name == bindparam("which"),
        _T.c.holder == bindparam("seen_holder"),
        _T.c.beat == bindparam("seen_beat"),
    )
    .values(holder=bindparam("new_holder"), beat=_T.c.beat + 1)
)
_BEAT = Statement(
    update(_T)
    .where(_T.c.name == bindparam("which"), _T.c.holder == bindparam("me"))
    .values(holder=bindparam("new_holder"), beat=_T.c.beat + 1)
)
_ADD = inserting(_T)


class Seen(NamedTuple):
    """Who holds a lease (nobody: an empty text), and the beat that was seen."""

    holder: str
    beat: int


def find_lease(session: Session, name: str) -> Seen | None:
    """Return who holds a lease; None when it has never been held."""
    row = session.one(_FIND, name=name)
    return None if row is None else Seen(*row)


def take_lease(session: Session, name: str, me: str, seen: Seen | None) -> bool:
    """Take a lease as it was seen; return whether nobody was faster."""
    if seen is None:
        if session.one(_FIND, name=name) is not None:
            return False
        session.run(_ADD, name=name, holder=me, beat=1)
        return True
    found = session.run(
        _TAKE, which=name, seen_holder=seen.holder, seen_beat=seen.beat, new_holder=me
    )
    return found > 0


def beat_lease(session: Session, name: str, me: str) -> bool:
    """Give a sign of life; return whether the lease is still ours."""
    return session.run(_BEAT, which=name, me=me, new_holder=me) > 0


def release_lease(session: Session, name: str, me: str) -> None:
    """Let go of a lease, so that others need not wait."""
    session.run(_BEAT, which=name, me=me, new_holder="")
