"""Checkpoints and exports: what makes the log verifiable by somebody who does not trust us."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lockgate.domain.checkpoints import (
    Checkpoint,
    VerifierKey,
    checkpoint_origin,
    sign_checkpoint,
)
from lockgate.domain.exports import ExportHeader
from lockgate.domain.outcomes import SignedCheckpoint
from lockgate.domain.permissions import SIGN_AUDIT, VIEW_AUDIT
from lockgate.errors import ChainBroken
from lockgate.keys import SigningKey
from lockgate.storage import checkpoints as rows
from lockgate.storage import guard, log
from lockgate.storage.database import Session
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller, Store

CHECKPOINTS_MAX = 1_000
BATCH = 2_000


def make_checkpoint(
    store: Store, who: Caller, project: str, signer: Callable[[], SigningKey]
) -> SignedCheckpoint:
    """Sign what a project's log is now, and keep the note beside it.

    Keep a copy elsewhere: against somebody who owns the database only that helps. Signing holds
    no lock that a writer waits for.
    """

    def look(session: Session) -> tuple[int, log.Head]:
        number = project_id(session, project)
        guard.require(session, SIGN_AUDIT, number, project)
        return number, log.load_head(session, number)

    number, head = store.snapshot(look)
    key = signer()
    verifier = verifier_of(project, key)
    checkpoint = Checkpoint(verifier.name, head.size, head.frontier.root())
    note = sign_checkpoint(checkpoint, verifier, key.sign)

    def keep(session: Session) -> SignedCheckpoint:
        session.settle_time(0)
        made = SignedCheckpoint(
            project=project,
            size=head.size,
            note=note,
            verifier_key=str(verifier),
            made_by=who.name,
            at=session.now,
        )
        rows.add_checkpoint(session, number, made)
        return made

    return store.write(who, keep)


def list_checkpoints(store: Store, project: str) -> tuple[SignedCheckpoint, ...]:
    """Return the newest checkpoints of a project, newest first."""

    def use_case(session: Session) -> tuple[SignedCheckpoint, ...]:
        number = project_id(session, project)
        guard.require(session, VIEW_AUDIT, number, project)
        return tuple(rows.list_checkpoints(session, number, project, CHECKPOINTS_MAX))

    return store.snapshot(use_case)


def export_log(
    store: Store, who: Caller, project: str, signer: Callable[[], SigningKey]
) -> Iterator[str]:
    """Yield the lines of an export: a header with a checkpoint over all, then every event.

    Events that are appended meanwhile are not part of it. Raises `ChainBroken` when the log ends
    before its own head says so.
    """
    made = make_checkpoint(store, who, project, signer)
    header = ExportHeader(project=project, size=made.size, checkpoint=made.note)
    yield header.line() + "\n"
    after = 0
    while after < made.size:
        bodies = store.snapshot(_batch(project, after, min(BATCH, made.size - after)))
        if not bodies:
            raise ChainBroken(
                detail=f"Event {after + 1} is missing: the log's head counts {made.size} events",
                seq=after + 1,
                fault="truncated",
            )
        yield from (f"{body}\n" for body in bodies)
        after += len(bodies)


def verifier_of(project: str, key: SigningKey) -> VerifierKey:
    """Return the public half under the name of a project's log."""
    return key.verifier(checkpoint_origin(key.fingerprint, project))


def _batch(project: str, after: int, count: int) -> Callable[[Session], list[str]]:
    def use_case(session: Session) -> list[str]:
        return log.list_bodies(session, project_id(session, project), after, count)

    return use_case
