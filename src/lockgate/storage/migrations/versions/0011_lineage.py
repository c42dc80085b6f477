"""Which versions were derived from which, as a table that is asked in both directions.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "version_parents",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("parent_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name="fk_version_parents_version_id"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["versions.id"], name="fk_version_parents_parent_id"
        ),
        sa.PrimaryKeyConstraint("version_id", "position", name="pk_version_parents"),
    )
    _keep_what_was_said()
    for name, column, condition in (
        ("ix_version_parents_parent_id", "parent_id", "parent_id IS NOT NULL"),
        ("ix_version_parents_reference", "reference", "parent_id IS NULL"),
    ):
        op.create_index(
            name,
            "version_parents",
            [column],
            sqlite_where=sa.text(condition),
            postgresql_where=sa.text(condition),
        )


def _keep_what_was_said() -> None:
    """Fill the table from the versions' own lists; the parents are looked for when asked about.

    What a moving reference meant then is not known any more.
    """
    connection = op.get_bind()
    found = connection.execute(
        sa.text("SELECT id, parents FROM versions WHERE parents <> '[]' ORDER BY id")
    )
    rows = [
        {"version_id": key, "position": position, "reference": reference}
        for key, parents in found.fetchall()
        for position, reference in enumerate(json.loads(parents))
    ]
    if rows:
        connection.execute(
            sa.text(
                "INSERT INTO version_parents (version_id, position, reference) "
                "VALUES (:version_id, :position, :reference)"
            ),
            rows,
        )
