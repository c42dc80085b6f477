"""Conditional requests: ``If-None-Match`` on reads, ``If-Match`` on changes.

An entity tag is ``"<uid>-<revision>…"``; a bare ``"<revision>"`` is accepted in ``If-Match`` too.
"""

from __future__ import annotations

import re

from lockgate.errors import InvalidInput, StaleRevision
from lockgate.storage.preconditions import Unchanged

_TAG = re.compile(r'"(?:(?P<uid>[0-9a-f]{12})-)?(?P<revision>[1-9][0-9]{0,17})(?:-[0-9a-f]+)?"')


def unchanged(if_none_match: str | None, etag: str | None) -> bool:
    """Say whether the caller has this very representation already."""
    if if_none_match is None or etag is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in if_none_match.split(","))


def revision_wanted(if_match: str | None) -> tuple[str, int] | None:
    """Return ``(start of the uid or "", revision)`` that the caller wants to change, or None.

    ``*`` wants any. Raises `InvalidInput` for what is no entity tag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInput(
            detail='If-Match must be one ETag as it was received, or "<revision>"',
            field="If-Match",
        )
    return found["uid"] or "", int(found["revision"])


def only_if(
    if_match: str | None, project: str, model: str, version: str | None = None
) -> Unchanged | None:
    """Return what ``If-Match`` asks of a model, or of a version; None when it asks nothing."""
    wanted = revision_wanted(if_match)
    if wanted is None:
        return None
    uid, revision = wanted
    return Unchanged(project=project, model=model, version=version, uid=uid, revision=revision)


def require_same(uid_wanted: str, uid: str, kind: str, name: str, revision: int) -> None:
    """Raise `StaleRevision` unless the thing is still the one that the tag was given for."""
    if not uid.startswith(uid_wanted):
        raise StaleRevision(kind=kind, name=name, revision=revision)
