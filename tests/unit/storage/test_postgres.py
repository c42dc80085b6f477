"""PostgreSQL's driver: what may be shown of a URL."""

from __future__ import annotations

import pytest

from lockgate.storage.postgres import redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:secret@db:5432/x", "postgresql://ana:***@db:5432/x"),
        ("postgresql://ana:se:c@ret@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://:secret@db/x", "postgresql://:***@db/x"),
        ("postgresql://ana@db/x", "postgresql://ana@db/x"),
        ("postgresql://db/x", "postgresql://db/x"),
        ("postgresql://db/x?user=ana&password=secret", "postgresql://db/x?user=ana&password=***"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    """A URL is shown without its password, wherever that is written."""
    assert shown == redacted(url)
