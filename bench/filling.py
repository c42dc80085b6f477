"""A registry filled quickly: rows written straight into the tables, in one transaction.

The filled models have no events in the log: this is for measuring reads, not for verifying.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.schema import CreateIndex, DDLElement, DropIndex

from lockgate.domain.access import Actor
from lockgate.registry import Registry
from lockgate.storage import tables
from lockgate.storage.database import Driver
from lockgate.storage.encoding import to_json
from lockgate.storage.sqlite import SqliteDriver
from lockgate.storage.statements import DIALECTS, Statement, inserting
from lockgate.storage.store import Store

BEGIN_US = 1_760_000_000_000_000
BATCH = 10_000
CACHE_KIB = 400_000
STANDARD = 1


def open_registry(path: Path) -> Registry:
    """Return a registry on the SQLite file at ``path``."""
    return Registry(Store(SqliteDriver(str(path))), Actor("bench"))


def fill(path: Path, models: int, versions: int) -> Registry:
    """Return a registry with ``models`` × ``versions`` versions, made unless it is there."""
    return fill_behind(SqliteDriver(str(path)), models, versions)


def fill_behind(driver: Driver, models: int, versions: int) -> Registry:
    """Return a filled registry on the database behind a driver."""
    registry = Registry(Store(driver), Actor("bench"))
    with driver.writing() as connection:
        (count,) = connection.execute("SELECT count(*) FROM versions").fetchone()
        if count == 0:
            if driver.dialect == "sqlite":
                connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            for table, rows in _tables(models, versions):
                # Sorting for an index once is faster than finding the place of each row.
                indexes = sorted(table.indexes, key=lambda index: str(index.name))
                for index in indexes:
                    connection.execute(_text(DropIndex(index), driver.dialect))
                _write(connection, driver.dialect, table, rows)
                for index in indexes:
                    connection.execute(_text(CreateIndex(index), driver.dialect))
            if driver.dialect == "postgresql":
                # What its autovacuum would do a minute later.
                connection.execute("ANALYZE")
    return registry


def _text(construct: DDLElement, dialect: str) -> str:
    return str(construct.compile(dialect=DIALECTS[dialect]))


def model_name(number: int) -> str:
    """Return the name of a filled model, counted from 1."""
    return f"model-{number:06}"


def _write(connection: Any, dialect: str, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    optional = {column.name: None for column in table.columns if column.nullable}
    sql, names, _ = inserting(table).text("sqlite")
    whole = ({**optional, **row} for row in rows)
    ordered = ([row[name] for name in names] for row in whole)
    if dialect == "sqlite":
        while batch := list(itertools.islice(ordered, BATCH)):
            connection.executemany(sql, batch)
    else:
        copy_rows(connection, table.name, names, ordered)


def copy_rows(
    connection: Any, table: str, names: Iterable[str], rows: Iterable[Iterable[Any]]
) -> None:
    """Write rows into a table of PostgreSQL by COPY, and let its keys count on from there."""
    columns = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if "id" in names:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )


def _tables(models: int, versions: int) -> list[tuple[Any, Iterator[dict[str, Any]]]]:
    def pairs() -> Iterator[tuple[int, int]]:
        return itertools.product(range(1, models + 1), range(1, versions + 1))

    return [
        (tables.models, (_model(m, versions) for m in range(1, models + 1))),
        (tables.versions, (_version(m, s, versions) for m, s in pairs())),
        (tables.version_metrics, (_fact(m, s, versions, metric_of(m, s)) for m, s in pairs())),
        (
            tables.version_tags,
            (
                _fact(m, s, versions, value, key)
                for m, s in pairs()
                for key, value in _tags(m, s).items()
            ),
        ),
        (tables.aliases, (_alias(m, versions) for m in range(1, models + 1))),
    ]


def metric_of(model: int, seq: int) -> float:
    """Return the metric of a filled version, from 0 to 1."""
    return ((model * 7919 + seq * 104729) % 100_000) / 100_000


def _tags(model: int, seq: int) -> dict[str, str]:
    """Return the tags of a filled version; the metric again, for whom it can only be a tag."""
    return {"team": f"team-{model % 10}", "auc": str(metric_of(model, seq))}


def _key(model: int, seq: int, versions: int) -> int:
    return (model - 1) * versions + seq


def _model(number: int, versions: int) -> dict[str, Any]:
    return {
        "id": number,
        "uid": f"{number:032x}",
        "project_id": 1,
        "name": model_name(number),
        "owner": "bench",
        "description": "",
        "tags": "{}",
        "lifecycle_id": STANDARD,
        "next_seq": versions + 1,
        "version_count": versions,
        "latest_version": f"1.0.{versions}",
        "aliases": f'{{"champion":"1.0.{versions // 2}"}}',
        "created_by": "bench",
        "created_at": BEGIN_US + number,
        "updated_at": BEGIN_US + number,
        "changed_at": BEGIN_US + number,
        "revision": 1,
    }


def _version(model: int, seq: int, versions: int) -> dict[str, Any]:
    key = _key(model, seq, versions)
    stage = "Production" if seq == versions - 1 else "Staging" if seq % 50 == 0 else "None"
    moment = BEGIN_US + key
    return {
        "id": key,
        "uid": f"{key:032x}",
        "project_id": 1,
        "model_id": model,
        "label": f"1.0.{seq}",
        "seq": seq,
        "stage": stage,
        "stage_key": stage.casefold(),
        "exclusive_stage": stage if stage == "Production" else None,
        "stage_since": moment,
        "description": "",
        "artifact_uri": f"s3://models/{model}/{seq}",
        "metrics": f'{{"auc":{metric_of(model, seq)}}}',
        "params": "{}",
        "tags": to_json(_tags(model, seq)),
        "metadata": "{}",
        "aliases": '["champion"]' if seq == versions // 2 else "[]",
        "parents": "[]",
        "created_by": "bench",
        "created_at": moment,
        "updated_at": moment,
        "revision": 1,
    }


def _fact(model: int, seq: int, versions: int, value: Any, key: str = "auc") -> dict[str, Any]:
    return {"version_id": _key(model, seq, versions), "key": key, "value": value}


def _alias(model: int, versions: int) -> dict[str, Any]:
    return {
        "id": model,
        "model_id": model,
        "version_id": _key(model, versions // 2, versions),
        "alias": "champion",
        "protected": False,
        "set_by": "bench",
        "set_at": BEGIN_US + model,
    }


def plan_of(registry: Registry, statement: Statement) -> list[str]:
    """Return how SQLite would go about a statement."""
    sql, names, _ = statement.text("sqlite")
    with registry._store.database.driver.reading() as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * len(names)).fetchall()
    return [row[3] for row in rows]
