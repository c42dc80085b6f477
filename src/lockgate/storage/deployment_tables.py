"""The tables of use: where versions are deployed, and who has pulled them.

versions ─┬─ deployments   (intervals: a target runs one version of a model at a time)
          └─ pulls         (one row for each client, at most one write a minute)
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from lockgate.storage.tables import Key, Text, metadata, where

__all__ = ["deployments", "metadata", "pulls"]

deployments = Table(
    "deployments",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("model_id", BigInteger, ForeignKey("models.id"), nullable=False),
    Column("version_id", BigInteger, ForeignKey("versions.id"), nullable=False),
    Column("environment", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("digest", Text),
    Column("status", Text, nullable=False),
    Column("url", Text),
    Column("heartbeat_s", Integer),
    Column("reported_by", Text, nullable=False),
    Column("reported_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Index(
        "uq_deployments_open",
        "model_id",
        "environment",
        "target",
        unique=True,
        **where("ended_at IS NULL"),
    ),
    Index("ix_deployments_version_id", "version_id", "id"),
    Index("ix_deployments_project_id", "project_id", "id"),
    sqlite_autoincrement=True,
)

pulls = Table(
    "pulls",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("client", Text, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)
