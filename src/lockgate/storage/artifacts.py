"""What the database knows of files: proofs, signatures, which manifests are needed, the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, or_, select, update

from lockgate.domain.contents import ContentProof, Verdict
from lockgate.domain.files import SignatureRecord, content_key
from lockgate.domain.manifests import FileEntry
from lockgate.domain.moments import from_micros
from lockgate.storage import artifact_tables, deployment_tables, tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_F = artifact_tables.file_proofs
_S = artifact_tables.signatures
_G = artifact_tables.purged_versions
_E = artifact_tables.artifact_epoch
_V = tables.versions
_M = tables.models
_D = deployment_tables.deployments
_P = tables.projects

PROOFS_ASKED_MAX = 500
"""Contents asked for in one statement: SQLite binds a limited number of values."""

# --- proofs ----------------------------------------------------------------------------------

_PROOFS = (_F.c.content, _F.c.path, _F.c.verdict, _F.c.format, _F.c.reason)
_KEEP_PROOF = inserting(_F)
_proofs_statements: dict[int, Statement] = {}


def list_proofs(
    session: Session, files: Sequence[FileEntry], rules: int
) -> dict[str, ContentProof]:
    """Return what was proved of these files by these rules, by path; unproved ones are left out."""
    wanted = {(content_key(file), file.path): file for file in files}
    contents = sorted({content for content, _ in wanted})
    found: dict[str, ContentProof] = {}
    for first in range(0, len(contents), PROOFS_ASKED_MAX):
        group = contents[first : first + PROOFS_ASKED_MAX]
        room = 1 << (len(group) - 1).bit_length()  # few statements, whatever the number
        group += [group[-1]] * (room - len(group))
        binds = {f"content_{i}": content for i, content in enumerate(group)}
        for row in session.all(_proofs_statement(room), rules=rules, **binds):
            file = wanted.get((row[0], row[1]))
            if file is not None:
                found[file.path] = ContentProof(
                    path=file.path,
                    sha256=file.sha256,
                    verdict=Verdict(row[2]),
                    format=row[3],
                    reason=row[4],
                    version=rules,
                )
    return found


def keep_proofs(
    session: Session, files: Iterable[FileEntry], proofs: Iterable[ContentProof], rules: int
) -> None:
    """Keep proofs, each of the file of its path; those that are there already stay."""
    by_path = {file.path: file for file in files}
    fresh = [proof for proof in proofs if proof.path in by_path]
    known = list_proofs(session, [by_path[proof.path] for proof in fresh], rules)
    at = session.now_us or session.settle_time(0)
    rows = {
        proof.path: {
            "content": content_key(by_path[proof.path]),
            "path": proof.path,
            "rules": rules,
            "verdict": str(proof.verdict),
            "format": proof.format,
            "reason": proof.reason,
            "at": at,
        }
        for proof in fresh
        if proof.path not in known
    }
    session.many(_KEEP_PROOF, list(rows.values()))


def _proofs_statement(count: int) -> Statement:
    if count not in _proofs_statements:
        contents = [bindparam(f"content_{i}", type_=_F.c.content.type) for i in range(count)]
        _proofs_statements[count] = Statement(
            select(*_PROOFS).where(_F.c.content.in_(contents), _F.c.rules == bindparam("rules"))
        )
    return _proofs_statements[count]


# --- signatures ------------------------------------------------------------------------------

_SIGNATURES = Statement(
    select(_S.c.digest, _S.c.public_key, _S.c.signature, _S.c.signed_by, _S.c.at)
    .where(_S.c.digest == bindparam("digest"))
    .order_by(_S.c.id)
)
_SIGN = inserting(_S, "id")


def list_signatures(session: Session, digest: str) -> tuple[SignatureRecord, ...]:
    """Return the signatures of a manifest, oldest first; none of them verified here."""
    return tuple(
        SignatureRecord(
            digest=row[0],
            public_key=row[1],
            signature=row[2],
            signed_by=row[3],
            at=from_micros(row[4]),
        )
        for row in session.all(_SIGNATURES, digest=digest)
    )


def add_signature(session: Session, record: SignatureRecord) -> None:
    """Keep a signature, the first by its key of this manifest."""
    session.run(
        _SIGN,
        digest=record.digest,
        public_key=record.public_key,
        signature=record.signature,
        signed_by=record.signed_by,
        at=session.now_us,
    )


# --- which manifests are needed --------------------------------------------------------------

_PURGED = select(_G.c.version_id).where(_G.c.version_id == _V.c.id).exists()
_DELETED = or_(_V.c.deleted_at < bindparam("before"), _M.c.deleted_at < bindparam("before"))
# What runs somewhere keeps its files; a deployment that was lost as long ago does not count.
_DEPLOYED = exists().where(
    _D.c.version_id == _V.c.id,
    _D.c.ended_at.is_(None),
    or_(_D.c.heartbeat_s.is_(None), _D.c.seen_at >= bindparam("before")),
)
_EXPIRED = and_(_DELETED, ~_DEPLOYED)


def _sealed(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(_V.join(_M, _M.c.id == _V.c.model_id))
        .where(_V.c.digest.is_not(None), ~_PURGED)
    )


_LIVE = Statement(
    _sealed(_V.c.digest)
    .where(
        or_(
            _DEPLOYED,
            and_(
                or_(_V.c.deleted_at.is_(None), _V.c.deleted_at >= bindparam("before")),
                or_(_M.c.deleted_at.is_(None), _M.c.deleted_at >= bindparam("before")),
            ),
        )
    )
    .distinct()
)
_NEEDED = Statement(_sealed(_V.c.digest).distinct())
_SEALED = Statement(
    _sealed(_V.c.id, _M.c.name)
    .where(_V.c.id > bindparam("after"))
    .order_by(_V.c.id)
    .limit(bindparam("count"))
)
_RUN_OUT = Statement(
    _sealed(_V.c.id, _V.c.digest, _V.c.label, _V.c.project_id, _M.c.id, _M.c.name, _P.c.name)
    .join(_P, _P.c.id == _V.c.project_id)
    .where(_EXPIRED)
    .order_by(_V.c.id)
    .limit(bindparam("count"))
)
_IN_USE = Statement(
    _sealed(_P.c.name, _M.c.name, _V.c.label)
    .join(_P, _P.c.id == _V.c.project_id)
    .where(_DELETED, _DEPLOYED)
    .order_by(_V.c.id)
    .limit(bindparam("count"))
)
_IS_RUN_OUT = Statement(_sealed(_V.c.id).where(_V.c.id == bindparam("id"), _EXPIRED))
_PURGE = inserting(_G)
_IS_PURGED = Statement(select(_G.c.version_id).where(_G.c.version_id == bindparam("id")))
_MODEL_PURGED = Statement(
    select(_G.c.version_id)
    .select_from(_G.join(_V, _V.c.id == _G.c.version_id))
    .where(
        _V.c.model_id == bindparam("model_id"),
        # One that was deleted by itself, before its model, stays deleted when the model returns.
        _V.c.deleted_at.is_(None),
    )
    .limit(1)
)


@dataclass(frozen=True, kw_only=True)
class RunOut:
    """A deleted version whose time to be restored is over, and whose files are still kept."""

    key: int
    digest: str
    label: str
    project_id: int
    model_id: int
    model: str
    project: str


def live_digests(session: Session, before_us: int) -> set[str]:
    """Return the manifests of versions that live, or were deleted at ``before_us`` or later."""
    return {row[0] for row in session.all(_LIVE, before=before_us)}


def needed_digests(session: Session) -> set[str]:
    """Return the manifests of all versions that were not purged, deleted ones included."""
    return {row[0] for row in session.all(_NEEDED)}


def list_sealed(session: Session, after: int, count: int) -> list[tuple[int, str]]:
    """Return key and model's name of versions with files, in the order of their keys."""
    return [(row[0], row[1]) for row in session.all(_SEALED, after=after, count=count)]


def list_run_out(session: Session, before_us: int, count: int) -> list[RunOut]:
    """Return versions that were deleted (or whose model was) before a moment."""
    return [
        RunOut(
            key=row[0],
            digest=row[1],
            label=row[2],
            project_id=row[3],
            model_id=row[4],
            model=row[5],
            project=row[6],
        )
        for row in session.all(_RUN_OUT, before=before_us, count=count)
    ]


def list_in_use(session: Session, before_us: int, count: int) -> list[str]:
    """Return the versions that would be of `list_run_out` if they did not run somewhere."""
    rows = session.all(_IN_USE, before=before_us, count=count)
    return [f"{project}/{model}:{label}" for project, model, label in rows]


def is_run_out(session: Session, key: int, before_us: int) -> bool:
    """Say whether a version (of a locked model) is still one of `list_run_out`."""
    return session.one(_IS_RUN_OUT, id=key, before=before_us) is not None


def purge(session: Session, gone: RunOut, by: str) -> None:
    """Write down that a version's files are nobody's any more."""
    session.run(_PURGE, version_id=gone.key, digest=gone.digest, purged_by=by, at=session.now_us)


def is_purged(session: Session, key: int) -> bool:
    """Say whether the files of a version (by key) were given up."""
    return session.one(_IS_PURGED, id=key) is not None


def has_purged(session: Session, model_id: int) -> bool:
    """Say whether a deleted model has lost files that its versions would need."""
    return session.one(_MODEL_PURGED, model_id=model_id) is not None


# --- the epoch -------------------------------------------------------------------------------

_THE_ROW = 1
_ROW = select(_E.c.epoch, _E.c.sweep_lease_s).where(_E.c.id == _THE_ROW)
_READ = Statement(_ROW)
_SHARE = Statement(_ROW.with_for_update(read=True))
_LOCK = Statement(_ROW.with_for_update())
_FIRST = inserting(_E)
_MOVE = Statement(
    update(_E)
    .where(_E.c.id == _THE_ROW)
    .values(epoch=bindparam("new_epoch"), sweep_lease_s=bindparam("new_lease_s"))
)


@dataclass(frozen=True, slots=True)
class Epoch:
    """``number`` grows when a sweep begins; ``lease_s`` is that of the sweep under way, or None."""

    number: int
    lease_s: int | None


def read_epoch(session: Session) -> Epoch:
    """Return the epoch as it is now."""
    row = session.one(_READ)
    return Epoch(0, None) if row is None else Epoch(row[0], row[1])


def hold_epoch(session: Session) -> Epoch:
    """Return the epoch; no sweep begins before this transaction ends."""
    return _epoch(session, _SHARE)


def lock_epoch(session: Session) -> None:
    """See to it that no version is sealed before this transaction ends. Lock nothing before it."""
    _epoch(session, _LOCK)


def begin_sweep(session: Session, seen: Epoch, lease_s: int) -> Epoch | None:
    """Begin the next epoch with a sweep; None when it is no longer the epoch that was seen."""
    if _epoch(session, _LOCK) != seen:
        return None
    session.run(_MOVE, new_epoch=seen.number + 1, new_lease_s=lease_s)
    return Epoch(seen.number + 1, lease_s)


def end_sweep(session: Session, sweep: Epoch) -> bool:
    """End a sweep, one's own or a dead one's; False when it is no longer under way."""
    if _epoch(session, _LOCK) != sweep:
        return False
    session.run(_MOVE, new_epoch=sweep.number + 1, new_lease_s=None)
    return True


def _epoch(session: Session, statement: Statement) -> Epoch:
    row = session.one(statement)
    if row is None:
        # Two may try: one is then refused by the primary key, and runs again.
        session.run(_FIRST, id=_THE_ROW, epoch=0, sweep_lease_s=None)
        return Epoch(0, None)
    return Epoch(row[0], row[1])
