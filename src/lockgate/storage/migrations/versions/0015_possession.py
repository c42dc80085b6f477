"""Possession: who has sent which bytes, and which projects have versions of them.

Revision ID: 0015
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one.

    What older versions consist of is said by the store alone, and is sent once more by the first
    who needs it.
    """
    op.create_table(
        "sent_content",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "digest", name="pk_sent_content"),
    )
    op.create_index("ix_sent_content_at", "sent_content", ["at"])
    op.create_table(
        "project_content",
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_project_content_project_id"
        ),
        sa.PrimaryKeyConstraint("digest", "project_id", name="pk_project_content"),
    )
