"""Without the indexes by time of a model's versions: within a model that is the order of numbers.

Revision ID: 0013
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.drop_index("ix_versions_model_id_created_at", "versions", if_exists=True)
    op.drop_index("ix_versions_model_id_stage_key_created_at", "versions", if_exists=True)
