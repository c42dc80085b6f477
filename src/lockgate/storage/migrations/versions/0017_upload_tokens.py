"""Uploads know by which token they were opened, so that they end with its rights.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one.

    Uploads that are open end with the rights of the account that opened them.
    """
    op.add_column("uploads", sa.Column("token", TEXT))
