"""Files: proofs, signatures, what was purged, and the epoch of sweeps.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# SQLite counts rows in an INTEGER PRIMARY KEY only; PostgreSQL wants 64 bits.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "file_proofs",
        sa.Column("content", TEXT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("rules", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("format", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("content", "path", "rules", name="pk_file_proofs"),
    )
    op.create_table(
        "signatures",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("public_key", TEXT, nullable=False),
        sa.Column("signature", TEXT, nullable=False),
        sa.Column("signed_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("digest", "public_key", name="uq_signatures_digest_public_key"),
        sa.PrimaryKeyConstraint("id", name="pk_signatures"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "purged_versions",
        sa.Column("version_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("purged_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_purged_versions_version_id"
        ),
        sa.PrimaryKeyConstraint("version_id", name="pk_purged_versions"),
    )
    op.create_table(
        "artifact_epoch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sweep_lease_s", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_artifact_epoch"),
    )
