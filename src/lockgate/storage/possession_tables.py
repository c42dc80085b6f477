"""The tables of possession: whose bytes are whose, while they are kept once for everybody.

sent_content       account → digests of what it sent lately       proof that it has the bytes
project_content    digest → projects that have a version of it    those may have it who see one

Digests are of chunks and of manifests. Without access control nobody asks, and nothing is written.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table

from lockgate.storage.tables import Text, metadata

__all__ = ["metadata", "project_content", "sent_content"]

sent_content = Table(
    "sent_content",
    metadata,
    Column("account", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Index("ix_sent_content_at", "at"),
)

project_content = Table(
    "project_content",
    metadata,
    Column("digest", Text, primary_key=True),
    Column(
        "project_id",
        BigInteger,
        ForeignKey("projects.id"),
        primary_key=True,
        autoincrement=False,
    ),
)
