"""Files that belong to no version.

Revision ID: 0007
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "loose_files",
        sa.Column("project_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("logged_model", TEXT),
        sa.Column("put_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_loose_files_project_id"),
        sa.PrimaryKeyConstraint("project_id", "path", name="pk_loose_files"),
    )
    op.create_index("ix_loose_files_digest", "loose_files", ["digest"])
    op.create_index("ix_loose_files_logged_model", "loose_files", ["project_id", "logged_model"])
    op.create_table(
        "loose_uploads",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("made_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_loose_uploads_project_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loose_uploads"),
    )
    op.create_index("ix_loose_uploads_at", "loose_uploads", ["at"])
    op.create_table(
        "loose_parts",
        sa.Column("upload_id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["loose_uploads.id"], name="fk_loose_parts_upload_id"
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name="pk_loose_parts"),
    )
