"""The tables of files that belong to no version: as MLflow's clients leave them, one by one.

loose_files      (project, path) → the manifest of one file
loose_uploads    a file that arrives in parts
loose_parts      (upload, number) → the manifest of one part
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from lockgate.storage.tables import Text, metadata

__all__ = ["loose_files", "loose_parts", "loose_uploads", "metadata"]

loose_files = Table(
    "loose_files",
    metadata,
    Column(
        "project_id",
        BigInteger,
        ForeignKey("projects.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("path", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    # The logged model (``m-…``) whose folder the file lies in, if it lies in one.
    Column("logged_model", Text),
    Column("put_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_loose_files_logged_model", "project_id", "logged_model"),
    Index("ix_loose_files_digest", "digest"),
)

loose_uploads = Table(
    "loose_uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", BigInteger, ForeignKey("projects.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_loose_uploads_at", "at"),
)

loose_parts = Table(
    "loose_parts",
    metadata,
    Column("upload_id", Text, ForeignKey("loose_uploads.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)
