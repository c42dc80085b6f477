"""Splits of a model's keys, and what came of their arms.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "splits",
        sa.Column("model_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.Column("arms", TEXT, nullable=False),
        sa.Column("ring", TEXT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Double(), nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_splits_model_id_models"),
        sa.PrimaryKeyConstraint("model_id", name="pk_splits"),
        sa.UniqueConstraint("uid", name="uq_splits_uid"),
    )
    op.create_table(
        "outcome_tallies",
        sa.Column("version_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("squares", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_outcome_tallies_version_id_versions"
        ),
        sa.PrimaryKeyConstraint("version_id", "metric", name="pk_outcome_tallies"),
    )
    op.create_table(
        "outcome_batches",
        sa.Column("model_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name="fk_outcome_batches_model_id_models"
        ),
        sa.PrimaryKeyConstraint("model_id", "batch", name="pk_outcome_batches"),
    )
    op.create_index("ix_outcome_batches_model_id_at", "outcome_batches", ["model_id", "at"])
