"""Who owns an artifact store, hashes computed here, and indexes by time and by maker.

Revision ID: 0009
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

INDEXES = {
    "ix_models_created_at": ("models", ["created_at", "id"]),
    "ix_models_project_id_created_at": ("models", ["project_id", "created_at", "id"]),
    "ix_versions_created_by": ("versions", ["created_by", "id"]),
    "ix_versions_model_id_created_at": ("versions", ["model_id", "created_at", "seq"]),
    "ix_versions_model_id_stage_key_created_at": (
        "versions",
        ["model_id", "stage_key", "created_at", "seq"],
    ),
}


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "artifact_owner",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uid", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_owner"),
    )
    op.create_table(
        "file_hashes",
        sa.Column("content", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content", name="pk_file_hashes"),
    )
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
