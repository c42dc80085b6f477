"""Possession in SQL: which digests an account has sent, and which projects have."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable

from sqlalchemy import BindParameter, bindparam, delete, select

from lockgate.storage import artifact_tables, possession_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_S = possession_tables.sent_content
_P = possession_tables.project_content
_V = tables.versions
_G = artifact_tables.purged_versions
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
FORGOTTEN_AT_ONCE = 1_000
_KEPT = _V.alias("kept")
_KEPT_PURGED = select(_G.c.version_id).where(_G.c.version_id == _KEPT.c.id).exists()
_LOSERS = Statement(
    # The manifest of a purged version is forgotten last, so that where it is known is work left.
    select(_P.c.project_id)
    .select_from(
        _G.join(_V, _V.c.id == _G.c.version_id).join(
            _P, (_P.c.digest == _G.c.digest) & (_P.c.project_id == _V.c.project_id)
        )
    )
    .where(
        ~select(_KEPT.c.id)
        .where(_KEPT.c.digest == _G.c.digest, _KEPT.c.project_id == _V.c.project_id, ~_KEPT_PURGED)
        .exists()
    )
    .distinct()
    .order_by(_P.c.project_id)
)
_NEEDED_IN = Statement(
    select(_KEPT.c.digest)
    .where(_KEPT.c.project_id == bindparam("project"), _KEPT.c.digest.is_not(None), ~_KEPT_PURGED)
    .distinct()
)
_PAGE = Statement(
    select(_P.c.digest)
    .where(_P.c.project_id == bindparam("project"), _P.c.digest > bindparam("after"))
    .order_by(_P.c.digest)
    .limit(bindparam("count"))
)
_DROP_HELD = Statement(
    delete(_P).where(_P.c.project_id == bindparam("project"), _P.c.digest == bindparam("digest"))
)


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
    forget_sent(session, before_us)
    at = session.now_us or session.settle_time(0)
    wanted = sorted(set(digests))
    session.many(_DROP_SENT, [{"account": account, "digest": each} for each in wanted])
    session.many(_NOTE_SENT, [{"account": account, "digest": each, "at": at} for each in wanted])


def forget_sent(session: Session, before_us: int) -> None:
    """Forget what anybody sent before a moment."""
    session.run(_FORGET, before=before_us)


def note_held(session: Session, project: int, digests: Iterable[str]) -> None:
    """Write down what a version in a project consists of."""
    wanted = sorted(set(digests))
    known = list_held(session, (project,), wanted)
    rows = [{"digest": each, "project_id": project} for each in wanted if each not in known]
    session.many(_NOTE_HELD, rows)


def list_losers(session: Session) -> list[int]:
    """Return the projects that are still said to have a manifest none of whose versions is left."""
    return [key for (key,) in session.all(_LOSERS)]


def needed_in(session: Session, project: int) -> set[str]:
    """Return the manifests of a project's versions that were not purged, deleted ones included."""
    return {digest for (digest,) in session.all(_NEEDED_IN, project=project)}


def forget_page(session: Session, project: int, after: str, needed: Container[str]) -> str | None:
    """Forget those of a project's next digests behind ``after`` that are not needed there.

    Returns where to go on, or None at the end. Chunks come before manifests.
    """
    found = session.all(_PAGE, project=project, after=after, count=FORGOTTEN_AT_ONCE)
    digests = [digest for (digest,) in found]
    lost = [each for each in digests if each not in needed]
    session.many(_DROP_HELD, [{"project": project, "digest": each} for each in lost])
    return digests[-1] if len(digests) == FORGOTTEN_AT_ONCE else None


def _groups(digests: Iterable[str]) -> Iterable[dict[str, str]]:
    wanted = sorted(set(digests))
    for first in range(0, len(wanted), _ASKED_AT_ONCE):
        group = wanted[first : first + _ASKED_AT_ONCE]
        group += [group[-1]] * (_ASKED_AT_ONCE - len(group))
        yield dict(zip(_NAMES, group, strict=True))
