"""The tables of events: who is told of them, each telling, and which process tells.

projects ── webhooks ── webhook_deliveries   (a row for what a webhook is still to be told, or was)
leases                                       (one process of all at a piece of work)

The log itself is what is told: ``webhooks.seq`` is how far it has been looked through.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from lockgate.storage.tables import Key, Text, metadata, where

__all__ = ["leases", "metadata", "webhook_deliveries", "webhooks"]

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("stages", Text, nullable=False),
    Column("actions", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("retry_at", BigInteger),
    # Readable, because it has to sign: whoever reads the database can sign as well.
    Column("secret", Text, nullable=False),
    Column("old_secret", Text, nullable=False),
    Column("old_secret_until", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_webhooks_project_id", "project_id", "id"),
    sqlite_autoincrement=True,
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("webhook_id", BigInteger, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),
    # The model, or nothing for what is about the project: what keeps its order.
    Column("lane", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
    Index(
        "ix_webhook_deliveries_pending",
        "webhook_id",
        "lane",
        "id",
        **where("status = 'pending'"),
    ),
    Index("ix_webhook_deliveries_settled_at", "settled_at", **where("settled_at IS NOT NULL")),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    # Empty when nobody holds it. Each sign of life makes the beat another one.
    Column("holder", Text, nullable=False),
    Column("beat", BigInteger, nullable=False),
)
