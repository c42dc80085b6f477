"""The tables, drawn once for SQLite and PostgreSQL.

    projects ─┬─ models ─┬─ versions ─┬─ version_metrics, version_params, version_tags
              │          │            ├─ transitions   (passages, and intervals in a stage)
              │          │            └─ aliases       (intervals under a name)
              │          └─ model_tags
              ├─ audit_events, audit_heads             (one Merkle log a project)
    lifecycles (name, revision)        idempotency_keys

Times are integer microseconds since 1970 UTC. Columns of JSON are text, encoded here and never
by the database, so that 64-bit integers stay exact on both. The row's own JSON is what a version
is; the ``version_*`` tables repeat it for searching and change in the same transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as AnyText

# Text is compared by code point on both databases, whatever PostgreSQL's locale.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")

# A long text does not fit into PostgreSQL's indexes: they hold its first 200 characters. Has to
# read exactly as `search_conditions.beginning` does.
BEGINNING = text("substr(value, 1, 200)")

# SQLite counts rows in an INTEGER PRIMARY KEY only; PostgreSQL wants 64 bits.
Key = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


projects = Table(
    "projects",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("lifecycle", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    sqlite_autoincrement=True,
)

lifecycles = Table(
    "lifecycles",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("name", "revision"),
    sqlite_autoincrement=True,
)

models = Table(
    "models",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("lifecycle_id", BigInteger, ForeignKey("lifecycles.id"), nullable=False),
    Column("next_seq", BigInteger, nullable=False),
    Column("version_count", BigInteger, nullable=False),
    Column("latest_version", Text),
    Column("aliases", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # The last moment on this model's record; the next one is later, whatever the clock says.
    Column("changed_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("revision", Integer, nullable=False),
    Index("uq_models_live_name", "project_id", "name", unique=True, **where("deleted_at IS NULL")),
    Index("ix_models_project_id_name", "project_id", "name", "id"),
    Index("ix_models_project_id", "project_id", "id"),
    Index("ix_models_name", "name", "id"),
    Index("ix_models_created_at", "created_at", "id"),
    Index("ix_models_project_id_created_at", "project_id", "created_at", "id"),
    Index("ix_models_deleted", "project_id", "id", **where("deleted_at IS NOT NULL")),
    sqlite_autoincrement=True,
)

model_tags = Table(
    "model_tags",
    metadata,
    Column("model_id", BigInteger, ForeignKey("models.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_model_tags_key_value", "key", BEGINNING, "model_id"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("model_id", BigInteger, ForeignKey("models.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("stage_key", Text, nullable=False),
    # The stage again while it is an exclusive one: what the constraint below is about.
    Column("exclusive_stage", Text),
    Column("stage_since", BigInteger, nullable=False),
    Column("description", Text, nullable=False),
    Column("artifact_uri", Text),
    Column("digest", Text),
    Column("metrics", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("aliases", Text, nullable=False),
    Column("run_id", Text),
    Column("dataset", Text),
    Column("code", Text),
    Column("parents", Text, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", BigInteger),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("model_id", "seq"),
    UniqueConstraint("model_id", "label"),
    # At most one version of a model in an exclusive stage, whatever the code does.
    Index(
        "uq_versions_exclusive_stage",
        "model_id",
        "exclusive_stage",
        unique=True,
        **where("exclusive_stage IS NOT NULL AND deleted_at IS NULL"),
    ),
    # The stage's spelling is in it so that counting by stage reads nothing else.
    Index("ix_versions_project_id_stage_key", "project_id", "stage_key", "id", "stage"),
    Index("ix_versions_deleted", "project_id", "stage", **where("deleted_at IS NOT NULL")),
    Index("ix_versions_stage_key", "stage_key", "id"),
    Index("ix_versions_model_id_stage_key", "model_id", "stage_key", "seq"),
    Index("ix_versions_project_id", "project_id", "id"),
    Index("ix_versions_project_id_created_at", "project_id", "created_at", "id"),
    # A version that was never changed is found by when it was made: see `search_stretches`.
    Index(
        "ix_versions_project_id_updated_at",
        "project_id",
        "updated_at",
        "id",
        **where("updated_at <> created_at"),
    ),
    Index("ix_versions_created_by", "created_by", "id"),
    Index("ix_versions_run_id", "run_id", "id", **where("run_id IS NOT NULL")),
    Index("ix_versions_digest", "digest", "id", **where("digest IS NOT NULL")),
    sqlite_autoincrement=True,
)

version_metrics = Table(
    "version_metrics",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Numeric(asdecimal=False), nullable=False),
    Index("ix_version_metrics_key_value", "key", "value", "version_id"),
)

version_params = Table(
    "version_params",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    # A number is kept as a number too; text, true, false and null as they are written.
    Column("value", Text, nullable=False),
    Column("number", Numeric(asdecimal=False)),
    Index("ix_version_params_key_value", "key", BEGINNING, "version_id"),
    Index("ix_version_params_key_number", "key", "number", "version_id"),
)

version_tags = Table(
    "version_tags",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_version_tags_key_value", "key", BEGINNING, "version_id"),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False),
    Column("model_id", BigInteger, ForeignKey("models.id"), nullable=False),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("from_stage", Text),
    Column("to_stage", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("cause", Text),
    Column("forced", Boolean, nullable=False),
    Column("report", Text),
    Column("at", BigInteger, nullable=False),
    Column("left_at", BigInteger),
    Column("left_by", Text),
    # What was let in: a rollback may bring back exactly that.
    Column("content_digest", Text),
    # A version stands in one place at a time.
    Index("uq_transitions_open", "version_id", unique=True, **where("left_at IS NULL")),
    Index("ix_transitions_version_id", "version_id", "id"),
    Index("ix_transitions_model_id_to_stage", "model_id", "to_stage", "at"),
    sqlite_autoincrement=True,
)

aliases = Table(
    "aliases",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("model_id", BigInteger, ForeignKey("models.id"), nullable=False),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("alias", Text, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Index("uq_aliases_open", "model_id", "alias", unique=True, **where("ended_at IS NULL")),
    Index("ix_aliases_model_id_alias", "model_id", "alias", "set_at"),
    Index("ix_aliases_version_id", "version_id"),
    Index("ix_aliases_alias", "alias", "version_id", **where("ended_at IS NULL")),
    sqlite_autoincrement=True,
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("project_id", BigInteger, ForeignKey("projects.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("model", Text),
    Column("version", Text),
    Column("body", Text, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index("ix_audit_events_model", "project_id", "model", "seq"),
    Index("ix_audit_events_actor", "project_id", "actor", "seq"),
    sqlite_with_rowid=False,
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("project_id", BigInteger, ForeignKey("projects.id"), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("last_hash", LargeBinary, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

# What Alembic's comparison cannot see: the log is append-only, whoever is connected.
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ]
    + [
        # INSERT OR REPLACE would delete the old row without asking the trigger above.
        "CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events "
        "WHEN EXISTS (SELECT 1 FROM audit_events AS old "
        "WHERE old.project_id = NEW.project_id AND old.seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION lockgate_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events "
        "FOR EACH ROW EXECUTE FUNCTION lockgate_append_only()",
        "CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION lockgate_append_only()",
    ],
}
