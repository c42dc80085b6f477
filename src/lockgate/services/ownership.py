"""Ownership: an artifact store belongs to one database, and says so in ``owner.json``.

A sweep deletes whatever its own database does not name: two databases on one store would delete
each other's files.
"""

from __future__ import annotations

import json

from lockgate.artifacts.store import BlobStore
from lockgate.domain.audit import canonical_json
from lockgate.domain.moments import to_text
from lockgate.errors import InvalidSetting
from lockgate.storage import artifact_truths as rows
from lockgate.storage.store import Store

SCHEMA = "lockgate.owner.v1"


def require_own(store: Store, blobs: BlobStore, *, adopt: bool = False) -> None:
    """Make sure that a blob store is this database's; one that is nobody's becomes it.

    Raises `InvalidSetting` for one that is another's, unless told to ``adopt`` it.
    """
    own = store.read(rows.find_owner) or store.database.write(rows.name_owner)
    found = blobs.read_owner()
    if found is None or (adopt and _owner_in(found) != own):
        moment = to_text(store.database.clock())
        claim = {"schema": SCHEMA, "database": own, "claimed_at": moment}
        found = blobs.put_owner(canonical_json(claim), replace=adopt)
    owner = _owner_in(found)
    if owner != own:
        raise InvalidSetting(
            setting="LOCKGATE_ARTIFACTS",
            detail=f"this store belongs to another database ({owner}; this one is {own}), and a "
            "sweep of one would delete the files of the other. Give this database a store of its "
            "own. If it has taken the other's place, set LOCKGATE_ARTIFACTS_ADOPT=1 once",
        )


def _owner_in(data: bytes) -> str:
    try:
        document = json.loads(data)
        return str(document["database"]) if document["schema"] == SCHEMA else "unknown"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unreadable owner.json"
