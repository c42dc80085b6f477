"""Check results are valid once built."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from lockgate.domain.checks import CheckResult
from lockgate.errors import InvalidInput, LimitExceeded


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("status", "green"),
        ("url", "javascript:alert(1)"),
        ("url", "https://x\n"),
        ("url", "https://x y"),
        ("url", "https://x\x00"),
        ("url", "https://" + "x" * 5000),
    ],
)
def test_refused(now: datetime, field: str, value: Any) -> None:
    """An unknown status, a link that is no page, a name that is none: refused."""
    given = {"name": "it", "status": "passed", "reported_by": "ci", "at": now, field: value}
    with pytest.raises((InvalidInput, LimitExceeded)):
        CheckResult(**given)


def test_expiry_after_report(now: datetime) -> None:
    """A result cannot have expired before it was reported."""
    with pytest.raises(InvalidInput):
        CheckResult(
            name="it",
            status="passed",
            reported_by="ci",
            at=now,
            expires_at=now - timedelta(seconds=1),
        )
