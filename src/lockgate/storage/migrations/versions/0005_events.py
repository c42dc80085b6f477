"""Events and use: webhooks and their deliveries, leases, deployments, pulls.

Revision ID: 0005
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# SQLite counts rows in an INTEGER PRIMARY KEY only; PostgreSQL wants 64 bits.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PENDING = sa.text("status = 'pending'")
SETTLED = sa.text("settled_at IS NOT NULL")
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _webhooks()
    _deliveries()
    _use()


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("form", TEXT, nullable=False),
        sa.Column("models", TEXT, nullable=False),
        sa.Column("stages", TEXT, nullable=False),
        sa.Column("actions", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("retry_at", sa.BigInteger()),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("old_secret", TEXT, nullable=False),
        sa.Column("old_secret_until", sa.BigInteger(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_webhooks_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
        sa.UniqueConstraint("uid", name="uq_webhooks_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhooks_project_id", "webhooks", ["project_id", "id"])
    op.create_table(
        "leases",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("lane", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("attempts", TEXT, nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name="fk_webhook_deliveries_webhook_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_webhook_deliveries_project_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("uid", name="uq_webhook_deliveries_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_webhook_deliveries_pending",
        "webhook_deliveries",
        ["webhook_id", "lane", "id"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index(
        "ix_webhook_deliveries_settled_at",
        "webhook_deliveries",
        ["settled_at"],
        sqlite_where=SETTLED,
        postgresql_where=SETTLED,
    )
    op.create_index("ix_webhook_deliveries_webhook_id", "webhook_deliveries", ["webhook_id", "id"])


def _use() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("environment", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("digest", TEXT),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("url", TEXT),
        sa.Column("heartbeat_s", sa.Integer()),
        sa.Column("reported_by", TEXT, nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", TEXT),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_deployments_project_id"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_deployments_model_id"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_deployments_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        sa.UniqueConstraint("uid", name="uq_deployments_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_deployments_open",
        "deployments",
        ["model_id", "environment", "target"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_deployments_version_id", "deployments", ["version_id", "id"])
    op.create_index("ix_deployments_project_id", "deployments", ["project_id", "id"])
    op.create_table(
        "pulls",
        sa.Column("version_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client", TEXT, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_pulls_version_id"),
        sa.PrimaryKeyConstraint("version_id", "client", name="pk_pulls"),
    )
