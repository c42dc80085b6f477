"""Exported logs: a file that an auditor verifies with nothing but a public key.

    {"lockgate_audit_export":1,"project":"default","size":1042,"checkpoint":"…signed note…"}
    {"action":"create_project","actor":"lockgate", …}        event 1, its canonical bytes
    {"action":"create_model", …}                             event 2
    …

One line an event, exactly the bytes that were hashed. The checkpoint in the first line is over
all the events that follow; the verifier recomputes its root from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lockgate.domain.audit import canonical_json, leaf_hash
from lockgate.domain.verification import StoredEvent
from lockgate.errors import InvalidInput

FORM = 1


@dataclass(frozen=True, kw_only=True)
class ExportHeader:
    """The first line of an export."""

    project: str
    size: int
    checkpoint: str

    def line(self) -> str:
        """Return it as it is written, without the newline."""
        return canonical_json(
            {
                "lockgate_audit_export": FORM,
                "project": self.project,
                "size": self.size,
                "checkpoint": self.checkpoint,
            }
        ).decode()


def read_header(line: str) -> ExportHeader:
    """Return the header of an export. Raises `InvalidInput` when it is none."""
    try:
        document = json.loads(line)
        if document["lockgate_audit_export"] != FORM:
            raise ValueError
        return ExportHeader(
            project=str(document["project"]),
            size=int(document["size"]),
            checkpoint=str(document["checkpoint"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise InvalidInput(
            detail="This is no exported log: its first line is not the header of one; make one "
            "with `lockgate audit export`"
        ) from None


def exported_events(lines: Iterable[str]) -> Iterator[StoredEvent]:
    """Yield the events of an export's lines after the first, hashes computed from their bytes."""
    for number, line in enumerate(lines, start=1):
        body = line.rstrip("\n").encode()
        yield StoredEvent(number, body, leaf_hash(body))
