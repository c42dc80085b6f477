"""Uploads: large files that are sent before the version that names them.

Revision ID: 0008
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "uploads",
        sa.Column("ticket", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", TEXT),
        sa.PrimaryKeyConstraint("ticket", name="pk_uploads"),
    )
    op.create_index("ix_uploads_file", "uploads", ["model", "sha256"])
    op.create_index("ix_uploads_at", "uploads", ["at"])
