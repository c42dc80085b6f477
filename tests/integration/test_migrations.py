"""Migrations: they make what the tables draw, keep what is there, and say what to run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import lockgate
from bare import run
from lockgate.errors import DatabaseUnavailable, SchemaOutdated
from lockgate.storage import schema
from lockgate.storage.gate_tables import metadata
from lockgate.storage.migrations import runner
from racer import Racer, race
from racing import run_together

PROCESSES = 2

NEXT = '''
"""One more column."""
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("models", sa.Column("colour", sa.Text()))
    {then}
'''


def drawing(url: str) -> dict[str, Any]:
    """Everything that the schema of a database consists of, in words that can be compared."""
    return _sqlite_drawing(url) if url.startswith("sqlite") else _postgres_drawing(url)


def _sqlite_drawing(url: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, name, table, sql in run(url, "SELECT type, name, tbl_name, sql FROM sqlite_master"):
        if kind != "table":
            found[f"{kind} {name}"] = (table, _plain(sql))
            continue
        found[f"columns of {name}"] = run(url, f"PRAGMA table_xinfo({name})")
        found[f"references of {name}"] = sorted(
            row[2:] for row in run(url, f"PRAGMA foreign_key_list({name})")
        )
        found[f"uniques of {name}"] = sorted(
            [column[2] for column in run(url, f"PRAGMA index_info({row[1]})")]
            for row in run(url, f"PRAGMA index_list({name})")
            if row[3] != "c"
        )
        found[f"marks of {name}"] = ("AUTOINCREMENT" in sql, "WITHOUT ROWID" in sql)
    return found


def _postgres_drawing(url: str) -> dict[str, Any]:
    return {
        "columns": run(
            url,
            "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, "
            "numeric_precision, is_identity, column_default FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2",
        ),
        "indexes": run(
            url,
            "SELECT tablename, indexname, indexdef FROM pg_indexes "
            "WHERE schemaname = 'public' ORDER BY 1, 2",
        ),
        "constraints": run(
            url,
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
            "FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        ),
        "triggers": run(
            url,
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal "
            "ORDER BY 1",
        ),
        "functions": run(
            url,
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "ORDER BY 1",
        ),
    }


def _plain(sql: str | None) -> str | None:
    return None if sql is None else re.sub(r"\s+", " ", sql).replace('"', "")


@pytest.fixture
def other_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A second empty database of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/other.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    name = database_url.rsplit("/", 1)[1] + "_other"
    run(server, f"CREATE DATABASE {name}")
    yield server.rsplit("/", 1)[0] + f"/{name}"
    run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def later(tmp_path: Path, then: str = "") -> Path:
    """A copy of the migrations with one more at the end."""
    folder = tmp_path / "migrations"
    shutil.copytree(runner.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9000_next.py").write_text(NEXT.format(head=schema.HEAD, then=then))
    return folder


def test_migrated_is_drawn(database_url: str, other_url: str) -> None:
    """Every migration in turn makes the schema that a new database gets whole."""
    lockgate.connect(database_url, actor="ana").close()
    assert runner.upgrade(other_url) == (None, schema.HEAD)
    made, migrated = drawing(database_url), drawing(other_url)
    assert made.keys() == migrated.keys()
    for part in made:
        assert made[part] == migrated[part]


# SQLite's indexes on expressions cannot be reflected; the drawing above compares their SQL.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression")
def test_alembic_finds_no_difference(database_url: str) -> None:
    """Alembic's own comparison of the migrated schema with the tables finds nothing."""
    runner.upgrade(database_url)
    with runner.transaction(database_url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_migrated_database_is_furnished(database_url: str) -> None:
    """An empty database that was migrated has presets and a project when it is first opened."""
    runner.upgrade(database_url)
    with lockgate.connect(database_url, actor="ana") as registry:
        assert registry.register_model("churn", "1").stage == "None"
        assert registry.verify_audit().ok


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    """At the newest revision there is nothing to do."""
    runner.upgrade(database_url)
    before = drawing(database_url)
    assert runner.upgrade(database_url) == (schema.HEAD, schema.HEAD)
    assert before == drawing(database_url)


def test_an_older_schema_says_what_to_run(database_url: str) -> None:
    """On an older schema nothing opens, the error says what to run, and that then works."""
    assert runner.upgrade(database_url, to="0001") == (None, "0001")
    with pytest.raises(SchemaOutdated) as caught:
        lockgate.connect(database_url, actor="ana")
    assert {key: caught.value.fields[key] for key in ("found", "expected")} == {
        "found": "0001",
        "expected": schema.HEAD,
    }
    assert f"run `lockgate migrate --database {database_url}`" in str(caught.value)
    assert runner.upgrade(database_url) == ("0001", schema.HEAD)
    with lockgate.connect(database_url, actor="ana") as registry:
        assert registry.register_model("churn", "1").stage == "None"


def test_an_upgrade_keeps_what_is_there(database_url: str, tmp_path: Path) -> None:
    """Versions, their history and the log are after a migration what they were before."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1", metrics={"auc": 0.9})
        registry.promote("churn", "1")
        before = (registry.get_version("churn", "1"), list(registry.audit()))
    assert runner.upgrade(database_url, folder=later(tmp_path)) == (schema.HEAD, "9000")
    assert run(database_url, "SELECT colour FROM models") == [(None,)]
    # What this Lockgate needs is still all there: let it open the database again.
    run(database_url, f"UPDATE alembic_version SET version_num = '{schema.HEAD}'")
    with lockgate.connect(database_url, actor="ana") as registry:
        assert before == (registry.get_version("churn", "1"), list(registry.audit()))
        assert registry.verify_audit().ok


def test_lineage_of_before_is_found(database_url: str) -> None:
    """Parents that were named before there was a table of them are followed all the same."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("base", "1")
        registry.register_model("churn", "1", parents=["base:1", "base@latest"])
    before = ScriptDirectory(str(runner.FOLDER)).get_revision("0011").down_revision
    for table in (
        "version_parents",
        "histograms",
        "histogram_buckets",
        "metric_sources",
        "sent_content",
        "project_content",
    ):
        run(database_url, f"DROP TABLE {table}")
    run(database_url, "ALTER TABLE uploads DROP COLUMN token")
    run(database_url, f"UPDATE alembic_version SET version_num = '{before}'")
    assert runner.upgrade(database_url) == (before, schema.HEAD)
    with lockgate.connect(database_url, actor="ana") as registry:
        assert [each.source for each in registry.lineage("churn:1").edges] == [
            "default/base:1",
            "default/base@latest",
        ]
        assert [each.target for each in registry.lineage("base:1").edges] == ["default/churn:1"]


def test_a_migration_that_fails_changes_nothing(database_url: str, tmp_path: Path) -> None:
    """A migration that breaks halfway leaves the schema and its revision as they were."""
    runner.upgrade(database_url)
    before = drawing(database_url)
    with pytest.raises(DatabaseUnavailable):
        runner.upgrade(database_url, folder=later(tmp_path, 'op.execute("SELECT * FROM nowhere")'))
    assert before == drawing(database_url)
    assert run(database_url, "SELECT version_num FROM alembic_version") == [(schema.HEAD,)]


def test_a_newer_schema_is_left_alone(database_url: str, tmp_path: Path) -> None:
    """A schema from the future is refused by both, and neither advises to migrate."""
    runner.upgrade(database_url, folder=later(tmp_path))
    for attempt in (lambda: lockgate.connect(database_url), lambda: runner.upgrade(database_url)):
        with pytest.raises(DatabaseUnavailable, match="revision 9000, made by a newer Lockgate"):
            attempt()


def test_head_is_the_newest_migration(tmp_path: Path) -> None:
    """The revision that a new database is stamped with is the last of the migrations."""
    url = f"sqlite:///{tmp_path}/head.db"
    assert runner.upgrade(url) == (None, schema.HEAD)


@pytest.mark.parametrize("attempt", range(3))
def test_made_by_two_at_once(database_url: str, attempt: int) -> None:
    """Processes that open one empty database together all find it whole."""
    reports = race([Racer(database_url, "look") for _ in range(PROCESSES)])
    assert reports == [[{"lifecycles": 6, "projects": 1}]] * PROCESSES


def test_furnished_by_many_at_once(database_url: str) -> None:
    """However many first open a database that was only migrated, each preset is there once."""
    runner.upgrade(database_url)

    def opened() -> int:
        with lockgate.connect(database_url, actor="ana") as registry:
            return len(registry.list_lifecycles())

    for _ in range(10):
        if database_url.startswith("postgresql"):
            run(database_url, "DELETE FROM lifecycles")
        assert run_together([opened] * 8) == [6] * 8


def test_unreachable(tmp_path: Path) -> None:
    """A database that cannot be opened is unavailable, not migrated."""
    for url in (f"sqlite:///{tmp_path}/no/such/folder.db", "postgresql://127.0.0.1:1/nothing"):
        with pytest.raises(DatabaseUnavailable):
            runner.upgrade(url)
