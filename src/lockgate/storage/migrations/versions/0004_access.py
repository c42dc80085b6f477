"""Access control: accounts, teams, roles, tokens, sessions of the web, protections.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Compared by code point on both databases, whatever PostgreSQL's locale.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    _identities()
    _proofs()
    _protections()


def _identities() -> None:
    op.create_table(
        "access_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("enabled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_access_state"),
    )
    op.create_table(
        "accounts",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    op.create_table(
        "teams",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_teams"),
    )
    op.create_table(
        "team_members",
        sa.Column("team", TEXT, nullable=False),
        sa.Column("member", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name="fk_team_members_team"),
        sa.PrimaryKeyConstraint("team", "member", name="pk_team_members"),
    )
    op.create_index("ix_team_members_member", "team_members", ["member"])
    op.create_table(
        "roles",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("permissions", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )


def _proofs() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("projects", TEXT),
        sa.Column("permissions", TEXT),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("revoked_by", TEXT),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("last_used_from", TEXT),
        sa.ForeignKeyConstraint(["owner"], ["accounts.name"], name="fk_tokens_owner"),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
    op.create_index("ix_tokens_owner", "tokens", ["owner", "id"])
    op.create_table(
        "web_sessions",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("token_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_web_sessions_token_id"),
        sa.PrimaryKeyConstraint("id", name="pk_web_sessions"),
    )
    op.create_index("ix_web_sessions_expires_at", "web_sessions", ["expires_at"])


def _protections() -> None:
    op.create_table(
        "protections",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("model_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name_key", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("needs", TEXT, nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_protections_project_id"),
        sa.PrimaryKeyConstraint(
            "project_id", "model_key", "kind", "name_key", name="pk_protections"
        ),
    )
