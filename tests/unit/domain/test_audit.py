"""Audit events: the bytes that are hashed, fixed for ever."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from lockgate.domain.audit import AuditEvent, canonical, canonical_json, leaf_hash

EVENT = AuditEvent(
    project="default",
    seq=3,
    at=datetime(2026, 10, 1, 12, 0, 0, 5, tzinfo=UTC),
    actor="ana",
    action="transition",
    model="churn",
    version="1.0",
    detail={"to": "Production", "from": "Staging", "comment": "é ✓"},
    cause=2,
    prev="ab" * 32,
)
BODY = (
    '{"action":"transition","actor":"ana","at":"2026-10-01T12:00:00.000005Z","cause":2,'
    '"detail":{"comment":"é ✓","from":"Staging","to":"Production"},"model":"churn","prev":"'
    + "ab" * 32
    + '","project":"default","seq":3,"version":"1.0"}'
).encode()


def test_canonical_bytes() -> None:
    """An event is JSON with sorted keys, no spaces, in UTF-8, to the byte."""
    assert canonical(EVENT) == BODY


def test_leaf_hash_is_rfc_6962() -> None:
    """A leaf's hash is SHA-256 over a zero byte and the event's bytes."""
    assert leaf_hash(BODY) == hashlib.sha256(b"\x00" + BODY).digest()
    assert (
        leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        (9007199254740993, "9007199254740993"),
        (-(2**63), "-9223372036854775808"),
        (1e16, "1e+16"),
        (0.1, "0.1"),
        ('"\\\n\x7f\u2028', '"\\"\\\\\\n\x7f\u2028"'),
        ({"é": "\U0001f600"}, '{"é":"\U0001f600"}'),
    ],
)
def test_canonical_json(value: Any, text: str) -> None:
    """Numbers, escapes and keys have one spelling."""
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_infinities(value: float) -> None:
    """What JSON cannot say is not put on record."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"m": value})
