"""Gates: policies, requests, evidence, checkpoints; what each passage let in.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# SQLite counts rows in an INTEGER PRIMARY KEY only; PostgreSQL wants 64 bits.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _policies()
    _requests()
    _evidence()
    op.add_column("transitions", sa.Column("content_digest", TEXT))


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("model_key", sa.BigInteger(), nullable=False),
        sa.Column("stage_key", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", TEXT),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_policies_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_policies_open",
        "policies",
        ["project_id", "model_key", "stage_key"],
        unique=True,
        **where("ended_at IS NULL"),
    )
    op.create_table(
        "members",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_members_project_id"),
        sa.PrimaryKeyConstraint("project_id", "person", name="pk_members"),
    )


def _requests() -> None:
    op.create_table(
        "promotion_requests",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("to_stage", TEXT, nullable=False),
        sa.Column("requested_by", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("auto_promote", sa.Boolean(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("closed_by", TEXT),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_promotion_requests_model_id"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_promotion_requests_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_promotion_requests_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_promotion_requests"),
        sa.UniqueConstraint("uid", name="uq_promotion_requests_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_promotion_requests_model_id", "promotion_requests", ["model_id", "id"])
    op.create_index(
        "ix_promotion_requests_project_id_status",
        "promotion_requests",
        ["project_id", "status", "id"],
    )
    op.create_index(
        "uq_promotion_requests_open",
        "promotion_requests",
        ["version_id", "to_stage"],
        unique=True,
        **where("status = 'open'"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("request", TEXT),
        sa.Column("to_stage", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("content_digest", TEXT, nullable=False),
        sa.Column("content_parts", TEXT, nullable=False),
        sa.Column("policy_digest", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_decisions_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_version_id", "decisions", ["version_id", "id"])


def _evidence() -> None:
    op.create_table(
        "check_results",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("url", TEXT),
        sa.Column("reported_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("files_digest", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_check_results_version_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_check_results"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_check_results_version_id", "check_results", ["version_id", "id"])
    op.create_table(
        "waivers",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("waived_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", TEXT),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_waivers_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_waivers_version_id", "waivers", ["version_id", "id"])
    op.create_table(
        "checkpoints",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("verifier_key", TEXT, nullable=False),
        sa.Column("made_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_checkpoints_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_checkpoints"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_checkpoints_project_id", "checkpoints", ["project_id", "id"])
