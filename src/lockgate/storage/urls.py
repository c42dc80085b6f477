"""Databases' URLs: which database each names, and what of it may be shown.

sqlite:///PATH                                      a file; PATH may be relative or absolute
memory://                                           a database of this process
postgresql://…  postgres://…  postgresql+psycopg://…
"""

from __future__ import annotations

import re

from lockgate.errors import InvalidSetting

SQLITE = "sqlite:///"
MEMORY = "memory://"
_POSTGRES = re.compile(r"postgres(ql)?(\+psycopg)?://")
# Greedy: a password may contain any of the signs that follow one.
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):.*@", re.DOTALL)
_PASSWORD_WORD = re.compile(r"(?<=[?&]password=)[^&]*")


def sqlite_path(url: str) -> str | None:
    """Return the path of the file that an SQLite URL names; None for another kind of URL.

    Raises `InvalidSetting` for one that names no file.
    """
    if not url.startswith("sqlite:"):
        return None
    path = url.removeprefix(SQLITE)
    if path == url or not path or "?" in path or "\0" in path:
        raise InvalidSetting(
            setting="database", detail=f"{url!r} names no file; write {SQLITE}PATH"
        )
    if path == ":memory:":
        raise InvalidSetting(
            setting="database", detail=f"a database in memory is written {MEMORY}, not {url!r}"
        )
    return path


def conninfo_of(url: str) -> str | None:
    """Return a PostgreSQL URL as its own library reads it; None for another kind of URL."""
    return _POSTGRES.sub("postgresql://", url, count=1) if _POSTGRES.match(url) else None


def redacted(url: str) -> str:
    """Return the URL without its password."""
    return _PASSWORD_WORD.sub("***", _PASSWORD.sub(r"\1:***@", url))
