"""Running the migrations: one transaction from whatever revision there is to the newest.

migrations/
  env.py            what Alembic runs
  versions/NNNN_*   one file a revision, each naming the one before
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, exc, text
from sqlalchemy.pool import NullPool

from lockgate.errors import Contended, DatabaseUnavailable, InvalidSetting
from lockgate.storage.schema import LOCK_KEY
from lockgate.storage.urls import conninfo_of, redacted, sqlite_path

FOLDER = Path(__file__).parent
BUSY_S = 30


def upgrade(url: str, to: str = "head", folder: Path = FOLDER) -> tuple[str | None, str]:
    """Bring the schema of the database at ``url`` to a revision; return ``(from, to)``.

    All in one transaction: a migration that fails leaves the database as it was. ``from`` is
    None for an empty database. Raises `DatabaseUnavailable`, also for a schema that a newer
    Lockgate made, `Contended` while others keep writing, and `InvalidSetting`.
    """
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()]
    with transaction(url) as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        if before is not None and before not in known:
            raise DatabaseUnavailable(
                detail=f"its schema is at revision {before}, made by a newer Lockgate; this one "
                f"knows revisions up to {known[0]}",
                url=redacted(url),
            )
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        after = MigrationContext.configure(connection).get_current_revision()
    return before, str(after)


@contextmanager
def transaction(url: str) -> Iterator[Connection]:
    """Yield a connection in a transaction that keeps every other migration out; then commit."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})"))
            yield connection
    except exc.DBAPIError as error:
        detail = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        if "locked" in detail or isinstance(error.orig, TimeoutError):
            raise Contended(detail=f"Other writers kept the database busy: {detail}") from error
        raise DatabaseUnavailable(
            detail=f"{detail} ({redacted(url)})", url=redacted(url)
        ) from error
    finally:
        engine.dispose()


def _engine(url: str) -> Any:
    path, conninfo = sqlite_path(url), conninfo_of(url)
    if path is not None:
        return _sqlite(path)
    if conninfo is not None:
        return _postgres(conninfo)
    raise InvalidSetting(
        setting="database",
        detail=f"{redacted(url)!r} keeps nothing to migrate; write sqlite:///PATH or "
        "postgresql://…",
    )


def _sqlite(path: str) -> Any:
    from lockgate.storage.sqlite import sqlite3

    engine = create_engine(
        "sqlite://",
        module=sqlite3,
        creator=lambda: sqlite3.connect(path, isolation_level=None, timeout=BUSY_S),
        poolclass=NullPool,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgres(conninfo: str) -> Any:
    import psycopg

    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(conninfo, connect_timeout=5, application_name="lockgate"),
        poolclass=NullPool,
    )
