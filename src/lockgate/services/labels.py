"""Labels: what a new version is called."""

from __future__ import annotations

import re

from lockgate.domain.lifecycles import Lifecycle
from lockgate.errors import InvalidInput
from lockgate.storage import versions as version_rows
from lockgate.storage.database import Session
from lockgate.storage.models import StoredModel

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)


def label_of(session: Session, lifecycle: Lifecycle, stored: StoredModel, label: str | None) -> str:
    """Return the label that the version scheme accepts, or the next free number."""
    scheme = lifecycle.version_scheme
    if label is None:
        if scheme == "semver":
            raise InvalidInput(
                detail=f"Lifecycle '{lifecycle.name}' wants semantic versions: pass version, "
                "such as '1.4.0'",
                field="version",
            )
        number = stored.next_seq
        while version_rows.label_taken(session, stored.id, str(number)):
            number += 1
        return str(number)
    if scheme == "auto":
        raise InvalidInput(
            detail=f"Lifecycle '{lifecycle.name}' counts versions itself: leave version out",
            field="version",
        )
    if scheme == "int" and (not label.isascii() or not label.isdigit() or label != str(int(label))):
        raise InvalidInput(
            detail=f"Lifecycle '{lifecycle.name}' wants whole numbers as versions, got {label!r}",
            field="version",
        )
    if scheme == "semver" and not _SEMVER.fullmatch(label):
        raise InvalidInput(
            detail=f"Lifecycle '{lifecycle.name}' wants semantic versions such as '1.4.0', "
            f"got {label!r}",
            field="version",
        )
    return label
