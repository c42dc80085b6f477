"""Indexes: of the versions that were changed since they were made, and to count stages by.

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
DELETED = sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    by_stage = "ix_versions_project_id_stage_key"
    op.drop_index(by_stage, "versions", if_exists=True)
    op.create_index(by_stage, "versions", ["project_id", "stage_key", "id", "stage"])
    _create("ix_versions_project_id_updated_at", "versions", "project_id updated_at id", CHANGED)
    _create("ix_versions_deleted", "versions", "project_id stage", DELETED)
    _create("ix_models_deleted", "models", "project_id id", DELETED)


def _create(name: str, table: str, columns: str, where: sa.TextClause) -> None:
    op.create_index(
        name,
        table,
        columns.split(),
        sqlite_where=where,
        postgresql_where=where,
        if_not_exists=True,
    )
