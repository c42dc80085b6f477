"""Splits of a model's keys and their outcomes; observations and monitors.

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
    _split()
    _observe()


def _split() -> None:
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
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_splits_model_id"),
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
            ["version_id"], ["versions.id"], name="fk_outcome_tallies_version_id"
        ),
        sa.PrimaryKeyConstraint("version_id", "metric", name="pk_outcome_tallies"),
    )
    op.create_table(
        "outcome_batches",
        sa.Column("model_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_outcome_batches_model_id"),
        sa.PrimaryKeyConstraint("model_id", "batch", name="pk_outcome_batches"),
    )
    op.create_index("ix_outcome_batches_model_id_at", "outcome_batches", ["model_id", "at"])


def _observe() -> None:
    op.create_table(
        "observations",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("grain_s", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("squares", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_observations_version_id"),
        sa.PrimaryKeyConstraint("version_id", "metric", "grain_s", "at", name="pk_observations"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_observations_grain_s_at", "observations", ["grain_s", "at"])
    op.create_table(
        "monitors",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("version", TEXT),
        sa.Column("since", sa.BigInteger()),
        sa.Column("rolled_back_at", sa.BigInteger()),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_monitors_model_id"),
        sa.PrimaryKeyConstraint("model_id", "name", name="pk_monitors"),
    )
