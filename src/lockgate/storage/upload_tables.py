"""The table of uploads: large files on their way in, before any version names them.

uploads        ticket (hashed) → which file is expected, and its manifest once it is here
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from lockgate.storage.tables import Text, metadata

__all__ = ["metadata", "uploads"]

uploads = Table(
    "uploads",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The manifest that names this one file; NULL until it has come.
    Column("digest", Text),
    # By which token; NULL before access control.
    Column("token", Text),
    Index("ix_uploads_file", "model", "sha256"),
    Index("ix_uploads_at", "at"),
)
