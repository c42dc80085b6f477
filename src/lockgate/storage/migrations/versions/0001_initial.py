"""The registry: projects, models, versions, their history, and the log.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A long text does not fit into PostgreSQL's indexes.
BEGINNING = sa.text("substr(value, 1, 200)")
# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# SQLite counts rows in an INTEGER PRIMARY KEY only; PostgreSQL wants 64 bits.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = {
    "sqlite": [
        "CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events "
        "WHEN EXISTS (SELECT 1 FROM audit_events AS old "
        "WHERE old.project_id = NEW.project_id AND old.seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
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


def where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _projects()
    _models()
    _versions()
    _facts()
    _history()
    _log()
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("lifecycle", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lifecycles",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lifecycles"),
        sa.UniqueConstraint("name", "revision", name="uq_lifecycles_name_revision"),
        sqlite_autoincrement=True,
    )


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("lifecycle_id", sa.BigInteger(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("version_count", sa.BigInteger(), nullable=False),
        sa.Column("latest_version", TEXT),
        sa.Column("aliases", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lifecycle_id"], ["lifecycles.id"], name="fk_models_lifecycle_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_models_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("uid", name="uq_models_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_models_name", "models", ["name", "id"])
    op.create_index("ix_models_project_id", "models", ["project_id", "id"])
    op.create_index("ix_models_project_id_name", "models", ["project_id", "name", "id"])
    op.create_index(
        "uq_models_live_name",
        "models",
        ["project_id", "name"],
        unique=True,
        **where("deleted_at IS NULL"),
    )
    op.create_table(
        "model_tags",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_model_tags_model_id"),
        sa.PrimaryKeyConstraint("model_id", "key", name="pk_model_tags"),
    )
    op.create_index("ix_model_tags_key_value", "model_tags", ["key", BEGINNING, "model_id"])


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("stage_key", TEXT, nullable=False),
        sa.Column("exclusive_stage", TEXT),
        sa.Column("stage_since", sa.BigInteger(), nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("artifact_uri", TEXT),
        sa.Column("digest", TEXT),
        sa.Column("metrics", TEXT, nullable=False),
        sa.Column("params", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("aliases", TEXT, nullable=False),
        sa.Column("run_id", TEXT),
        sa.Column("dataset", TEXT),
        sa.Column("code", TEXT),
        sa.Column("parents", TEXT, nullable=False),
        sa.Column("approved_by", TEXT),
        sa.Column("approved_at", sa.BigInteger()),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_versions_model_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_versions_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("model_id", "label", name="uq_versions_model_id_label"),
        sa.UniqueConstraint("model_id", "seq", name="uq_versions_model_id_seq"),
        sa.UniqueConstraint("uid", name="uq_versions_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_versions_digest", "versions", ["digest", "id"], **where("digest IS NOT NULL")
    )
    op.create_index("ix_versions_stage_key", "versions", ["stage_key", "id"])
    op.create_index("ix_versions_model_id_stage_key", "versions", ["model_id", "stage_key", "seq"])
    op.create_index("ix_versions_project_id", "versions", ["project_id", "id"])
    op.create_index(
        "ix_versions_project_id_created_at", "versions", ["project_id", "created_at", "id"]
    )
    op.create_index(
        "ix_versions_project_id_stage_key", "versions", ["project_id", "stage_key", "id"]
    )
    op.create_index(
        "ix_versions_run_id", "versions", ["run_id", "id"], **where("run_id IS NOT NULL")
    )
    op.create_index(
        "uq_versions_exclusive_stage",
        "versions",
        ["model_id", "exclusive_stage"],
        unique=True,
        **where("exclusive_stage IS NOT NULL AND deleted_at IS NULL"),
    )


def _facts() -> None:
    op.create_table(
        "version_metrics",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", sa.Numeric(asdecimal=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_version_metrics_version_id"
        ),
        sa.PrimaryKeyConstraint("version_id", "key", name="pk_version_metrics"),
    )
    op.create_index(
        "ix_version_metrics_key_value", "version_metrics", ["key", "value", "version_id"]
    )
    op.create_table(
        "version_params",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("number", sa.Numeric(asdecimal=False)),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_version_params_version_id"
        ),
        sa.PrimaryKeyConstraint("version_id", "key", name="pk_version_params"),
    )
    op.create_index(
        "ix_version_params_key_number", "version_params", ["key", "number", "version_id"]
    )
    op.create_index(
        "ix_version_params_key_value", "version_params", ["key", BEGINNING, "version_id"]
    )
    op.create_table(
        "version_tags",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_version_tags_version_id"),
        sa.PrimaryKeyConstraint("version_id", "key", name="pk_version_tags"),
    )
    op.create_index("ix_version_tags_key_value", "version_tags", ["key", BEGINNING, "version_id"])


def _history() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("from_stage", TEXT),
        sa.Column("to_stage", TEXT, nullable=False),
        sa.Column("verb", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("cause", TEXT),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("report", TEXT),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger()),
        sa.Column("left_by", TEXT),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_transitions_model_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_transitions_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_transitions"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_transitions_model_id_to_stage", "transitions", ["model_id", "to_stage", "at"]
    )
    op.create_index("ix_transitions_version_id", "transitions", ["version_id", "id"])
    op.create_index(
        "uq_transitions_open",
        "transitions",
        ["version_id"],
        unique=True,
        **where("left_at IS NULL"),
    )
    op.create_table(
        "aliases",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("alias", TEXT, nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", TEXT),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_aliases_model_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_aliases_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_aliases"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_aliases_alias", "aliases", ["alias", "version_id"], **where("ended_at IS NULL")
    )
    op.create_index("ix_aliases_model_id_alias", "aliases", ["model_id", "alias", "set_at"])
    op.create_index("ix_aliases_version_id", "aliases", ["version_id"])
    op.create_index(
        "uq_aliases_open",
        "aliases",
        ["model_id", "alias"],
        unique=True,
        **where("ended_at IS NULL"),
    )


def _log() -> None:
    op.create_table(
        "audit_events",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("model", TEXT),
        sa.Column("version", TEXT),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_audit_events_project_id"),
        sa.PrimaryKeyConstraint("project_id", "seq", name="pk_audit_events"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_events_actor", "audit_events", ["project_id", "actor", "seq"])
    op.create_index("ix_audit_events_model", "audit_events", ["project_id", "model", "seq"])
    op.create_table(
        "audit_heads",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_audit_heads_project_id"),
        sa.PrimaryKeyConstraint("project_id", name="pk_audit_heads"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
