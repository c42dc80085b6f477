"""Idempotency keys in SQL: the answer to a write is kept in the write's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select

from lockgate.errors import IdempotencyMismatch
from lockgate.storage import tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

KEEP_S = 24 * 3600
_T = tables.idempotency_keys
_FIND = Statement(
    select(_T.c.fingerprint, _T.c.answer).where(
        _T.c.actor == bindparam("actor"), _T.c.key == bindparam("key")
    )
)
_KEEP = inserting(_T)
_FORGET = Statement(delete(_T).where(_T.c.created_at < bindparam("before")))


@dataclass(frozen=True, kw_only=True)
class Once:
    """A write that is to happen once, however often it is asked for.

    ``fingerprint`` is a hash of the whole request; ``encode`` makes the answer that is kept.
    """

    key: str
    fingerprint: str
    encode: Callable[[Any], str]


class Replayed(Exception):
    """The write was done before; ``answer`` is what was said then."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        super().__init__("already done")


def recall(session: Session, actor: str, once: Once) -> None:
    """Raise `Replayed` if this write was done before, `IdempotencyMismatch` if another was."""
    row = session.one(_FIND, actor=actor, key=once.key)
    if row is None:
        return
    if row[0] != once.fingerprint:
        raise IdempotencyMismatch(key=once.key)
    raise Replayed(row[1])


def remember(session: Session, actor: str, once: Once, result: Any) -> None:
    """Keep the answer for a day, and drop what is older."""
    moment = session.now_us or session.settle_time(0)
    session.run(_FORGET, before=moment - KEEP_S * 1_000_000)
    session.run(
        _KEEP,
        actor=actor,
        key=once.key,
        fingerprint=once.fingerprint,
        answer=once.encode(result),
        created_at=moment,
    )
