"""An index of the versions that were changed since they were made, by when.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHANGED = sa.text("updated_at <> created_at")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_index(
        "ix_versions_project_id_updated_at",
        "versions",
        ["project_id", "updated_at", "id"],
        sqlite_where=CHANGED,
        postgresql_where=CHANGED,
        if_not_exists=True,
    )
