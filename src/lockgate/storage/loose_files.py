"""Loose files in SQL: which path has which manifest, and what has arrived of uploads in parts."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, select

from lockgate.storage import loose_tables
from lockgate.storage.database import Session
from lockgate.storage.statements import Statement, inserting

_F = loose_tables.loose_files
_U = loose_tables.loose_uploads
_P = loose_tables.loose_parts

_HERE = _F.c.project_id == bindparam("project_id")
# Everything below a folder: "/" is followed by "0".
_BELOW = (_F.c.path >= bindparam("first")) & (_F.c.path < bindparam("behind"))
_ROW = select(_F.c.path, _F.c.digest, _F.c.size)
_FIND = Statement(_ROW.where(_HERE, _F.c.path == bindparam("path")))
_FORGET = Statement(delete(_F).where(_HERE, _F.c.path == bindparam("path")))
_FORGET_BELOW = Statement(delete(_F).where(_HERE, _BELOW))
_KEEP = inserting(_F)
_LIST = Statement(_ROW.where(_HERE, _BELOW).order_by(_F.c.path).limit(bindparam("count")))
_SPAN = Statement(
    select(func.min(_F.c.path), func.max(_F.c.path)).where(
        _HERE, _F.c.logged_model == bindparam("logged_model")
    )
)
_DIGESTS = (
    Statement(select(_F.c.digest).distinct()),
    Statement(select(_P.c.digest).distinct()),
)


@dataclass(frozen=True, slots=True)
class LooseFile:
    """A file at a path, or below a folder; ``digest`` is that of its manifest."""

    path: str
    digest: str
    size: int


def find_file(session: Session, project_id: int, path: str) -> LooseFile | None:
    """Return the file at a path."""
    row = session.one(_FIND, project_id=project_id, path=path)
    return None if row is None else LooseFile(*row)


def list_below(
    session: Session, project_id: int, folder: str, after: str, count: int
) -> list[LooseFile]:
    """Return files below a folder (``""`` for all) by path, from the path ``after`` on."""
    first, behind = _bounds(folder)
    binds = {"project_id": project_id, "first": max(first, after), "behind": behind}
    return [LooseFile(*row) for row in session.all(_LIST, count=count, **binds)]


def keep_file(
    session: Session,
    project_id: int,
    file: LooseFile,
    logged_model: str | None,
    by: str,
) -> None:
    """Put a file at its path, in place of the one that is there."""
    session.run(_FORGET, project_id=project_id, path=file.path)
    session.run(
        _KEEP,
        project_id=project_id,
        path=file.path,
        digest=file.digest,
        size=file.size,
        logged_model=logged_model,
        put_by=by,
        at=session.now_us or session.settle_time(0),
    )


def forget(session: Session, project_id: int, path: str) -> None:
    """Forget the file at a path, and all that are below it."""
    session.run(_FORGET, project_id=project_id, path=path)
    first, behind = _bounds(path)
    session.run(_FORGET_BELOW, project_id=project_id, first=first, behind=behind)


def find_span(session: Session, project_id: int, logged_model: str) -> tuple[str, str] | None:
    """Return the first and the last path of a logged model's files."""
    row = session.one(_SPAN, project_id=project_id, logged_model=logged_model)
    return None if row is None or row[0] is None else (row[0], row[1])


def kept_digests(session: Session) -> set[str]:
    """Return the manifests of all loose files, and of all parts that have arrived."""
    return {row[0] for statement in _DIGESTS for row in session.all(statement)}


def _bounds(folder: str) -> tuple[str, str]:
    # No path begins with a character behind U+10FFFF.
    return (f"{folder}/", f"{folder}0") if folder else ("", "\U0010ffff")


# --- uploads in parts ------------------------------------------------------------------------

_BEGIN = inserting(_U)
_UPLOAD = Statement(
    select(_U.c.path).where(_U.c.project_id == bindparam("project_id"), _U.c.id == bindparam("id"))
)
_OPEN = Statement(select(func.count()).select_from(_U).where(_U.c.made_by == bindparam("by")))
_PARTS = Statement(
    select(_P.c.number, _P.c.digest, _P.c.size)
    .where(_P.c.upload_id == bindparam("id"))
    .order_by(_P.c.number)
)
_FORGET_PART = Statement(
    delete(_P).where(_P.c.upload_id == bindparam("id"), _P.c.number == bindparam("number"))
)
_KEEP_PART = inserting(_P)
_END_PARTS = Statement(delete(_P).where(_P.c.upload_id == bindparam("id")))
_END = Statement(delete(_U).where(_U.c.id == bindparam("id")))
_STALE = Statement(
    select(_U.c.id).where(_U.c.at < bindparam("before")).order_by(_U.c.at).limit(1_000)
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file, by its number."""

    number: int
    digest: str
    size: int


def count_uploads(session: Session, by: str) -> int:
    """Return how many uploads somebody has under way."""
    return int(session.value(_OPEN, by=by) or 0)


def begin_upload(session: Session, project_id: int, upload: str, path: str, by: str) -> None:
    """Begin an upload of the file at a path."""
    session.run(
        _BEGIN,
        id=upload,
        project_id=project_id,
        path=path,
        made_by=by,
        at=session.now_us or session.settle_time(0),
    )


def find_upload(session: Session, project_id: int, upload: str) -> str | None:
    """Return the path that an upload is for; None when there is no such upload."""
    path: str | None = session.value(_UPLOAD, project_id=project_id, id=upload)
    return path


def list_parts(session: Session, upload: str) -> list[Part]:
    """Return the parts that have arrived, by number."""
    return [Part(*row) for row in session.all(_PARTS, id=upload)]


def keep_part(session: Session, upload: str, part: Part) -> None:
    """Keep a part, in place of one of that number."""
    session.run(_FORGET_PART, id=upload, number=part.number)
    session.run(
        _KEEP_PART, upload_id=upload, number=part.number, digest=part.digest, size=part.size
    )


def end_upload(session: Session, upload: str) -> None:
    """Forget an upload and its parts."""
    session.run(_END_PARTS, id=upload)
    session.run(_END, id=upload)


def end_stale_uploads(session: Session, before_us: int) -> int:
    """Forget up to 1000 uploads that were begun before a moment; return how many these were."""
    stale = [row[0] for row in session.all(_STALE, before=before_us)]
    for upload in stale:
        end_upload(session, upload)
    return len(stale)
