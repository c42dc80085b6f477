"""Databases' URLs: which are understood, and what of them may be shown."""

from __future__ import annotations

import pytest

from lockgate.errors import InvalidSetting
from lockgate.storage.urls import conninfo_of, redacted, sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///lockgate.db", "lockgate.db"),
        ("sqlite:////var/lib/lockgate.db", "/var/lib/lockgate.db"),
        ("memory://", None),
        ("postgresql://db/x", None),
    ],
)
def test_the_file_of_a_url(url: str, path: str | None) -> None:
    """Three slashes, then a path: relative, or absolute with a fourth slash."""
    assert path == sqlite_path(url)


@pytest.mark.parametrize(
    "url",
    ["sqlite:", "sqlite://", "sqlite:///", "sqlite://a.db", "sqlite:///a.db?x=1", "sqlite:///a\0b"],
)
def test_a_url_without_a_file(url: str) -> None:
    """An SQLite URL that names no file is refused with the form that would."""
    with pytest.raises(InvalidSetting, match="write sqlite:///PATH"):
        sqlite_path(url)


def test_another_spelling_of_memory() -> None:
    """SQLite's own word for a database in memory would be one for each connection."""
    with pytest.raises(InvalidSetting, match="is written memory://"):
        sqlite_path("sqlite:///:memory:")


@pytest.mark.parametrize(
    ("url", "conninfo"),
    [
        ("postgresql://db/x", "postgresql://db/x"),
        ("postgres://db/x", "postgresql://db/x"),
        ("postgresql+psycopg://db/x", "postgresql://db/x"),
        ("postgresql+psycopg2://db/x", None),
        ("mysql://db/x", None),
        ("sqlite:///x.db", None),
    ],
)
def test_postgres_by_its_names(url: str, conninfo: str | None) -> None:
    """Each way to write PostgreSQL is read as its own library writes it."""
    assert conninfo == conninfo_of(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:secret@db:5432/x", "postgresql://ana:***@db:5432/x"),
        ("postgresql://ana:se:c@ret@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://ana:se/c?ret@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://:secret@db/x", "postgresql://:***@db/x"),
        ("postgresql://ana@db/x", "postgresql://ana@db/x"),
        ("postgresql://db/x", "postgresql://db/x"),
        ("postgresql://db/x?user=ana&password=secret", "postgresql://db/x?user=ana&password=***"),
        ("mysql://ana:secret@db/x", "mysql://ana:***@db/x"),
        ("sqlite:///lockgate.db", "sqlite:///lockgate.db"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    """A URL is shown without its password, wherever that is written."""
    assert shown == redacted(url)
