"""Usage: who uses a version, so that nobody deletes it beneath them.

deployments   that are reported and not lost
pulls         by others, within the last day; a client is written down at most once a minute
caches        nodes of the cluster's cache that keep it
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from lockgate.domain import names
from lockgate.domain.claims import ModelRecord
from lockgate.domain.deployments import Deployment, VersionUser
from lockgate.domain.moments import from_micros
from lockgate.domain.versions import ModelVersion
from lockgate.errors import Contended, InUse, InvalidInput, Unavailable
from lockgate.services.lookup import find_stamp
from lockgate.storage import deployments as rows
from lockgate.storage import models as model_rows
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store

PULL_COUNTS_S = 86_400
PULL_NOTED_S = 60.0
CLIENTS_KEPT_MAX = 10_000
USERS_TOLD_MAX = 10
USERS_MAX = 1_000
PROVIDER = "lockgate"


class Usage:
    """What a process knows of use beyond its database: who has just been noted, what is cached."""

    def __init__(self, cached: Callable[[], Sequence[ModelRecord]] = lambda: ()) -> None:
        self.cached = cached
        self._noted: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def is_due(self, version: str, client: str) -> bool:
        """Say whether a pull is to be written down, and take it for written down."""
        now_s = time.monotonic()
        with self._lock:
            before_s = self._noted.get((version, client))
            if before_s is not None and now_s - before_s < PULL_NOTED_S:
                return False
            self._noted[version, client] = now_s
            self._noted.move_to_end((version, client))
            if len(self._noted) > CLIENTS_KEPT_MAX:
                self._noted.popitem(last=False)
            return True


def usage_of(store: Store) -> Usage:
    """Return what a store's process knows of use."""
    if not isinstance(store.usage, Usage):
        store.usage = Usage()
    return store.usage


def note_pull(store: Store, who: Caller, version: ModelVersion) -> None:
    """Write down that somebody pulls a version.

    It is a note and no change of state, so a busy or absent database keeps nobody from their
    files: then it is left out.
    """
    if not usage_of(store).is_due(version.uid, who.name):
        return

    def use_case(session: Session) -> None:
        stamp = find_stamp(session, version.project, version.model, version.label)
        if stamp is not None:
            rows.note_pull(session, stamp[0], who.name)

    try:
        store.database.write(use_case)
    except (Contended, Unavailable):
        return


def used_by(store: Store, project: str, name: str, label: str) -> tuple[VersionUser, ...]:
    """Return who uses a version."""
    cached = list(usage_of(store).cached())

    def use_case(session: Session) -> tuple[VersionUser, ...]:
        session.settle_time(0)
        stored = model_rows.load_model(session, project, name)
        key, version = version_rows.load_version(session, stored, label)
        return tuple(users_of(session, key, version, cached))

    return store.snapshot(use_case)


def users_of(
    session: Session,
    key: int,
    version: ModelVersion,
    cached: Iterable[ModelRecord],
    but: str | None = None,
) -> list[VersionUser]:
    """Return who uses a version, but for what ``but`` itself has pulled."""
    since_us = session.now_us - PULL_COUNTS_S * 1_000_000
    found = deployed(session, rows.open_of_version(session, key))
    found += [
        VersionUser(kind="pull", name=client, last_at=from_micros(last_us))
        for client, last_us in rows.list_pulls(session, key, since_us, USERS_MAX)
        if client != but
    ]
    return found + [
        VersionUser(
            kind="cache", name=record.key.node or "of the cluster", last_at=record.last_used_at
        )
        for record in cached
        if _keeps(record, version)
    ]


def deployed(session: Session, deployments: Iterable[Deployment]) -> list[VersionUser]:
    """Return the deployments that live, as users."""
    return [
        VersionUser(kind="deployment", name=each.place, last_at=each.seen_at, url=each.url)
        for each in deployments
        if each.is_live_at(session.now)
    ]


def require_unused(
    store: Store, kind: str, name: str, users: Sequence[VersionUser], force: bool, reason: str
) -> str:
    """Raise `InUse` with the list of users, unless forced with a reason; return the reason."""
    text = names.plain_text(reason, "reason", store.limits.comment_chars_max).strip()
    if not users:
        return text
    told = [str(user) for user in users]
    shown = "; ".join(told[:USERS_TOLD_MAX])
    if not force:
        raise InUse(
            kind=kind,
            name=name,
            detail=f"{shown}; end that first, or force with a reason",
            users=told,
        )
    if not text:
        raise InvalidInput(
            detail=f"{kind} '{name}' is in use ({shown}): forcing that needs a "
            "reason, which goes on record",
            field="reason",
        )
    return text


def _keeps(record: ModelRecord, version: ModelVersion) -> bool:
    """Say whether a record of the cache is about the files of a version."""
    if record.key.provider != PROVIDER or version.digest is None:
        return False
    same = record.key.revision.removeprefix("sha256:") == version.digest.removeprefix("sha256:")
    return same and record.key.model == f"{version.project}/{version.model}"
