"""Possession in SQL: which digests an account has sent, and which projects have."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import BindParameter, bindparam, delete, select

from lockgate.storage import possession_tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_S = possession_tables.sent_content
_P = possession_tables.project_content
_ASKED_AT_ONCE = 100
# A statement of one shape, whatever the number: what is left over repeats the last.
_NAMES = [f"digest_{n}" for n in range(_ASKED_AT_ONCE)]
_BINDS: list[BindParameter[str]] = [bindparam(name) for name in _NAMES]
_SENT = Statement(
    select(_S.c.digest).where(
        _S.c.account == bindparam("account"), _S.c.at >= bindparam("since"), _S.c.digest.in_(_BINDS)
    )
)
_HELD = Statement(select(_P.c.digest, _P.c.project_id).where(_P.c.digest.in_(_BINDS)))
_NOTE_SENT = inserting(_S)
_DROP_SENT = Statement(
    delete(_S).where(_S.c.account == bindparam("account"), _S.c.digest == bindparam("digest"))
)
_NOTE_HELD = inserting(_P)
_FORGET = Statement(delete(_S).where(_S.c.at < bindparam("before")))


def list_sent(
    session: Session, account: str, digests: Iterable[str], since_us: int
) -> frozenset[str]:
    """Return those of the digests that an account has sent since a moment."""
    found: set[str] = set()
    for binds in _groups(digests):
        rows = session.all(_SENT, account=account, since=since_us, **binds)
        found.update(digest for (digest,) in rows)
    return frozenset(found)


def list_held(
    session: Session, projects: Collection[int], digests: Iterable[str]
) -> frozenset[str]:
    """Return those of the digests that a version in one of the projects consists of."""
    found: set[str] = set()
    for binds in _groups(digests):
        found.update(digest for digest, key in session.all(_HELD, **binds) if key in projects)
    return frozenset(found)


def note_sent(session: Session, account: str, digests: Iterable[str], before_us: int) -> None:
    """Write down what an account has just sent; forget what anybody sent before a moment."""
    session.run(_FORGET, before=before_us)
    at = session.now_us or session.settle_time(0)
    wanted = sorted(set(digests))
    session.many(_DROP_SENT, [{"account": account, "digest": each} for each in wanted])
    session.many(_NOTE_SENT, [{"account": account, "digest": each, "at": at} for each in wanted])


def note_held(session: Session, project: int, digests: Iterable[str]) -> None:
    """Write down what a version in a project consists of."""
    wanted = sorted(set(digests))
    known = list_held(session, (project,), wanted)
    rows = [{"digest": each, "project_id": project} for each in wanted if each not in known]
    session.many(_NOTE_HELD, rows)


def _groups(digests: Iterable[str]) -> Iterable[dict[str, str]]:
    wanted = sorted(set(digests))
    for first in range(0, len(wanted), _ASKED_AT_ONCE):
        group = wanted[first : first + _ASKED_AT_ONCE]
        group += [group[-1]] * (_ASKED_AT_ONCE - len(group))
        yield dict(zip(_NAMES, group, strict=True))
