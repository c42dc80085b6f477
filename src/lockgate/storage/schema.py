"""The schema's revision: a new database gets it whole, an old one says what to run.

A fresh database is made from `tables` in one transaction and stamped with the newest Alembic
revision; a test holds that this equals running every migration in turn.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.schema import CreateIndex, CreateTable

from lockgate.errors import DatabaseUnavailable, SchemaOutdated
from lockgate.storage import (
    access_tables,
    artifact_tables,
    deployment_tables,
    event_tables,
    gate_tables,
    lineage_tables,
    loose_tables,
    monitor_tables,
    possession_tables,
    split_tables,
    tables,
    upload_tables,
)
from lockgate.storage.statements import DIALECTS

HEAD = "0017"
METADATA = tables.metadata
"""Every table: those of `tables` and of the modules beside it."""
_DRAWN_IN = (
    *(access_tables, artifact_tables, deployment_tables, event_tables, gate_tables),
    *(lineage_tables, loose_tables, monitor_tables, possession_tables),
    *(split_tables, upload_tables),
)
assert all(each.metadata is METADATA for each in _DRAWN_IN)  # noqa: S101
LOCK_KEY = 0x10C6A7E
"""The advisory lock (PostgreSQL) under which a schema is made or changed."""
_EXISTS = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT 1 FROM pg_class WHERE oid = to_regclass('alembic_version')",
}


def schema_statements(dialect: str) -> list[str]:
    """Return the DDL of the whole schema, in order."""
    statements: list[str] = []
    for table in METADATA.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=DIALECTS[dialect])))
        statements.extend(
            str(CreateIndex(index).compile(dialect=DIALECTS[dialect]))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        )
    return statements + tables.APPEND_ONLY[dialect]


def found_revision(connection: Any, dialect: str) -> str | None:
    """Return the schema's revision; None for a database without one."""
    if connection.execute(_EXISTS[dialect]).fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def ensure_schema(driver: Any) -> None:
    """Make the schema where there is none.

    Raises `SchemaOutdated` when the database has an older revision than this Lockgate needs,
    `DatabaseUnavailable` when a newer Lockgate made it.
    """
    with driver.reading() as connection:
        found = found_revision(connection, driver.dialect)
    if found is None:
        with driver.writing() as connection:
            if driver.dialect == "postgresql":
                connection.execute(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
            found = found_revision(connection, driver.dialect)
            if found is None:
                for statement in schema_statements(driver.dialect):
                    connection.execute(statement)
                connection.execute(
                    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
                )
                connection.execute(f"INSERT INTO alembic_version VALUES ('{HEAD}')")  # noqa: S608  # nosec B608
                found = HEAD
    # Revisions are written with leading zeros: text order is their order.
    if found > HEAD:
        raise DatabaseUnavailable(
            detail=f"its schema is at revision {found}, made by a newer Lockgate; this one "
            f"knows revisions up to {HEAD}",
            url=driver.url,
        )
    if found != HEAD:
        raise SchemaOutdated(found=found, expected=HEAD, url=driver.url)
