"""Audit events: what each is, and the bytes that the log hashes.

An event is one leaf of its project's Merkle tree. Its canonical form is JSON with sorted keys,
no spaces, UTF-8; ``prev`` inside it is the leaf hash of the event before, so the first event
that was tampered with can be named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockgate.domain.moments import to_text

LEAF_PREFIX = b"\x00"
NO_PREVIOUS = "0" * 64

# Made once: an encoder with settings of its own is otherwise built at every call.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One thing that changed (or was refused), by whom, when and why.

    ``seq`` counts from 1 without gaps within a project. ``cause`` is the ``seq`` of the event
    that brought this one about (an incumbent displaced by a promotion), else None. ``detail``
    holds JSON values: what the fold of the log needs to rebuild the state. ``token`` is the id of
    the token that the actor came with, and ``address`` where from, as far as they are known.
    """

    project: str
    seq: int
    at: datetime
    actor: str
    action: str
    model: str | None = None
    version: str | None = None
    detail: Mapping[str, Any]
    cause: int | None = None
    prev: str = NO_PREVIOUS
    leaf_hash: str = ""
    token: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts in a transaction, by which token, from which address."""

    actor: str
    token: str | None = None
    address: str | None = None


def canonical(event: AuditEvent) -> bytes:
    """Return the bytes that are hashed and stored: canonical JSON of all but the hash itself."""
    document: dict[str, Any] = {
        "action": event.action,
        "actor": event.actor,
        "at": to_text(event.at),
        "cause": event.cause,
        "detail": event.detail,
        "model": event.model,
        "prev": event.prev,
        "project": event.project,
        "seq": event.seq,
        "version": event.version,
    }
    # Left out where there is none: an event from before there were tokens reads as it ever did.
    if event.token is not None:
        document["token"] = event.token
    if event.address is not None:
        document["address"] = event.address
    return canonical_json(document)


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys, no spaces, UTF-8, finite numbers only."""
    return _encode(value).encode()


def leaf_hash(body: bytes) -> bytes:
    """Return the RFC 6962 hash of a leaf (32 bytes)."""
    return hashlib.sha256(LEAF_PREFIX + body).digest()
