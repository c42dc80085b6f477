"""The tables of access control: who there is, what they may, and how they prove who they are.

access_state    one row: since when access control is on, and a count that every change raises
accounts        people and service accounts, with their roles in the installation
teams ── team_members                 roles   (of one's own; five are built in)
tokens ── web_sessions                hashes only
protections     (project, model or 0, stage or alias) → the role or permission it needs

Members of projects (`gate_tables`) name people, service accounts and teams alike.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
)

from lockgate.storage.tables import Text, metadata

__all__ = [
    "access_state",
    "accounts",
    "metadata",
    "protections",
    "roles",
    "team_members",
    "teams",
    "tokens",
    "web_sessions",
]

access_state = Table(
    "access_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("enabled_at", BigInteger),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

teams = Table(
    "teams",
    metadata,
    Column("name", Text, primary_key=True),
    Column("roles", Text, nullable=False),
)

team_members = Table(
    "team_members",
    metadata,
    Column("team", Text, ForeignKey("teams.name"), primary_key=True),
    Column("member", Text, primary_key=True),
    Index("ix_team_members_member", "member"),
)

roles = Table(
    "roles",
    metadata,
    Column("name", Text, primary_key=True),
    Column("permissions", Text, nullable=False),
    Column("description", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, ForeignKey("accounts.name"), nullable=False),
    # NULL is everything that the owner may.
    Column("projects", Text),
    Column("permissions", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Column("last_used_at", BigInteger),
    Column("last_used_from", Text),
    Index("ix_tokens_owner", "owner", "id"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("token_id", Text, ForeignKey("tokens.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_web_sessions_expires_at", "expires_at"),
)

protections = Table(
    "protections",
    metadata,
    Column("project_id", BigInteger, ForeignKey("projects.id"), primary_key=True),
    # 0 for the whole project.
    Column("model_key", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("name_key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("needs", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
