"""Possession: who may make a version of bytes that are in the store already.

The store keeps each chunk once, for every project. That a digest is known (from a log, a lock file,
a page that was public for a day) must not be enough to have its bytes: so under access control a
chunk is there for those who see a version of it, and for those who sent it themselves. For
everybody else it is missing, whether it is or not; they send it, and it is kept once as before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from lockgate.artifacts.store import Data
from lockgate.domain.manifests import Manifest
from lockgate.errors import BlobNotFound, Contended
from lockgate.services.depot import Depot
from lockgate.services.marking import Marked
from lockgate.storage import accounts, artifacts
from lockgate.storage import possession as rows
from lockgate.storage.database import Session
from lockgate.storage.store import Caller, Store

KEPT_US = 7 * 86_400_000_000
"""For how long who sent something has it, before a version is made of it."""
LISTED_MAX = 10_000
LOOKS_MAX = 20
"""How often what is needed is read again because a version was sealed meanwhile."""


class PossessedBlobs:
    """The chunks of a store as far as they are somebody's. What a `Sink` and a client need."""

    def __init__(self, store: Store, depot: Depot, who: Caller) -> None:
        self._store = store
        self._blobs = depot.blobs
        self._heads = depot.heads
        self._who = who

    def missing(self, digests: Collection[str]) -> set[str]:
        """Return those of the blobs that the caller has to send."""
        return self._blobs.missing(digests) | lacking(self._store, self._who, digests)

    def upload_urls(self, digests: Sequence[str], expires_s: int) -> list[str | None]:
        """Return where the caller, and nobody else, can send blobs without us; then `admit`."""
        return [self._blobs.find_upload_url(each, expires_s, self._sender) for each in digests]

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        """Keep blobs, each verified first: who sends one has it."""
        self._blobs.put_many(blobs)
        self._heads.note(blobs)
        note_sent(self._store, self._who, [digest for digest, _ in blobs])

    def admit(self, digests: Sequence[str]) -> None:
        """Keep blobs that the caller has sent to their URLs, each verified first."""
        for digest in digests:
            self._blobs.admit(digest, self._sender)
        note_sent(self._store, self._who, digests)

    @property
    def _sender(self) -> str:
        """Whose what is sent to a URL is; nobody's in particular before access control."""
        return "" if self._who.grant is None else self._who.name


def lacking(store: Store, who: Caller, digests: Iterable[str]) -> set[str]:
    """Return those of the digests whose bytes the caller has not shown to have.

    Nobody lacks anything without access control, nor whoever sees every project.
    """
    grant = who.grant
    if grant is None or grant.visible_keys is None:
        return set()
    wanted = set(digests)
    visible = frozenset(grant.visible_keys)

    def use_case(session: Session) -> set[str]:
        since_us = session.settle_time(0) - KEPT_US
        left = wanted - rows.list_sent(session, who.name, wanted, since_us)
        return left - rows.list_held(session, visible, left)

    return store.snapshot(use_case)


def require(store: Store, who: Caller, digests: Iterable[str]) -> None:
    """Raise `BlobNotFound`, as for what is not here, unless the caller has all of it."""
    found = sorted(lacking(store, who, digests))
    if found:
        raise BlobNotFound(digest=found[0], missing=found[:LISTED_MAX], count=len(found))


def load_manifest(store: Store, depot: Depot, who: Caller, digest: str) -> Manifest:
    """Return a manifest that the caller has, and all that it names. Raises `BlobNotFound`."""
    if lacking(store, who, [digest]):
        raise BlobNotFound(digest=digest)
    manifest = depot.manifest(digest)
    require(store, who, manifest.chunk_sizes)
    return manifest


def note_sent(store: Store, who: Caller, digests: Iterable[str]) -> None:
    """Write down that the caller has these bytes; nothing is asked of it before access control."""
    if who.grant is None:
        return
    wanted = list(digests)

    def use_case(session: Session) -> None:
        rows.note_sent(session, who.name, wanted, session.settle_time(0) - KEPT_US)

    # No change of the registry: no event, no idempotency key, no precondition.
    store.database.write(use_case)


def note_held(session: Session, project: int, manifest: Manifest) -> None:
    """Write down, in the transaction that seals a version, that its project has these bytes."""
    if accounts.read_state(session).enabled:
        rows.note_held(session, project, [manifest.digest, *manifest.chunk_sizes])


def forget_lost(store: Store, depot: Depot) -> None:
    """Forget what projects had of purged versions, and nothing that is left of them consists of.

    Who had it by such a version, and is about to name it, is told to send it, as for all that is
    not here. Raises `Contended` when versions are sealed faster than they can be looked at.
    """
    store.database.write(
        lambda session: rows.forget_sent(session, session.settle_time(0) - KEPT_US)
    )
    for project in store.snapshot(rows.list_losers):
        needed = Marked(depot)
        after: str | None = ""
        while after is not None:
            after = _forget_page(store, project, after, needed)


def _forget_page(store: Store, project: int, after: str, needed: Marked) -> str | None:
    for _ in range(LOOKS_MAX):
        fresh, behind = store.database.write(_forgetting(project, after, needed))
        if not fresh:
            return behind
        needed.add(fresh)
    raise Contended(detail="Versions were sealed faster than gc could look at them; run it again.")


def _forgetting(
    project: int, after: str, needed: Marked
) -> Callable[[Session], tuple[set[str], str | None]]:
    """Return the transaction that forgets a page, unless a version was sealed that is not marked.

    No version is sealed while it runs: what it reads and what it takes away belong together.
    """

    def use_case(session: Session) -> tuple[set[str], str | None]:
        artifacts.lock_epoch(session)
        fresh = {each for each in rows.needed_in(session, project) if each not in needed}
        return fresh, None if fresh else rows.forget_page(session, project, after, needed)

    return use_case
