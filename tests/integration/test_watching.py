"""The log under watch: what was tampered with after the last look is found by the next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from registries import embedded


@pytest.mark.parametrize(
    ("harm", "fault", "seq"),
    [
        (
            "UPDATE audit_events SET body = replace(body, 'ana', 'eve') WHERE seq = 4",
            "body_changed",
            3,
        ),
        ("DELETE FROM audit_events WHERE seq = 4", "truncated", 3),
    ],
)
def test_news_that_were_tampered_with_are_found(
    tmp_path: Path, harm: str, fault: str, seq: int
) -> None:
    """The fault is named, everything before it is still good, and the fault stays."""
    with embedded(f"sqlite:///{tmp_path}/lockgate.db") as registry:
        registry.register_model("churn", "1")
        assert registry.verified_audit().seq == 3
        registry.promote("churn", "1")
        with sqlite3.connect(f"{tmp_path}/lockgate.db") as raw:
            for (trigger,) in raw.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                raw.execute(f"DROP TRIGGER {trigger}")
            raw.execute(harm)
        raw.close()
        for _ in range(2):
            told = registry.verified_audit()
            assert (told.ok, told.fault, told.seq, told.size) == (False, fault, seq, 4)
