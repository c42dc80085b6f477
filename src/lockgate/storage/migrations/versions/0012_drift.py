"""Histograms of what versions do in use, and where a server asks for metrics by itself.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "histograms",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("edges", TEXT, nullable=False),
        sa.Column("reference", TEXT),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name="fk_histograms_version_id"),
        sa.PrimaryKeyConstraint("version_id", "metric", name="pk_histograms"),
    )
    op.create_table(
        "histogram_buckets",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("grain_s", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("counts", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_histogram_buckets_version_id"
        ),
        sa.PrimaryKeyConstraint(
            "version_id", "metric", "grain_s", "at", name="pk_histogram_buckets"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_histogram_buckets_grain_s_at", "histogram_buckets", ["grain_s", "at"])
    op.create_table(
        "metric_sources",
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("query", TEXT, nullable=False),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.Column("read_until", sa.BigInteger(), nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_metric_sources_model_id"),
        sa.PrimaryKeyConstraint("model_id", "metric", name="pk_metric_sources"),
    )
