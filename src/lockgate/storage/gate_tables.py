"""The tables of gates: policies, requests, and the evidence that people and machines leave.

projects ─┬─ policies (of a project, or of one model)   members
          ├─ checkpoints
          └─ models ── versions ─┬─ promotion_requests
                                 └─ decisions, check_results, waivers
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
)

from lockgate.storage.tables import Key, metadata, where

__all__ = [
    "check_results",
    "checkpoints",
    "decisions",
    "members",
    "metadata",
    "policies",
    "promotion_requests",
    "waivers",
]

policies = Table(
    "policies",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    # 0 for the policy of a whole project.
    Column("model_key", BigInteger, nullable=False),
    Column("stage_key", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Index(
        "uq_policies_open",
        "project_id",
        "model_key",
        "stage_key",
        unique=True,
        **where("ended_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

members = Table(
    "members",
    metadata,
    Column("project_id", BigInteger, ForeignKey("projects.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("roles", Text, nullable=False),
)

promotion_requests = Table(
    "promotion_requests",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("model_id", BigInteger, ForeignKey("models.id"), nullable=False),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("to_stage", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("auto_promote", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("closed_by", Text),
    Index(
        "uq_promotion_requests_open",
        "version_id",
        "to_stage",
        unique=True,
        **where("status = 'open'"),
    ),
    Index("ix_promotion_requests_project_id_status", "project_id", "status", "id"),
    Index("ix_promotion_requests_model_id", "model_id", "id"),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("request", Text),
    Column("to_stage", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("content_parts", Text, nullable=False),
    Column("policy_digest", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_decisions_version_id", "version_id", "id"),
    sqlite_autoincrement=True,
)

check_results = Table(
    "check_results",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("url", Text),
    Column("reported_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("files_digest", Text, nullable=False),
    Index("ix_check_results_version_id", "version_id", "id"),
    sqlite_autoincrement=True,
)

waivers = Table(
    "waivers",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("waived_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("digest", Text),
    Index("ix_waivers_version_id", "version_id", "id"),
    sqlite_autoincrement=True,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("verifier_key", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_checkpoints_project_id", "project_id", "id"),
    sqlite_autoincrement=True,
)
