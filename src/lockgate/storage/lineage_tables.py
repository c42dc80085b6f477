"""The table of descent: versions and the versions that they were derived from.

versions ── version_parents ── versions
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from lockgate.storage.tables import Text, metadata, where

__all__ = ["metadata", "version_parents"]

version_parents = Table(
    "version_parents",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    # As it was said; a moving one meant the parent of that moment.
    Column("reference", Text, nullable=False),
    Column("parent_id", BigInteger, ForeignKey("versions.id")),
    Index("ix_version_parents_parent_id", "parent_id", **where("parent_id IS NOT NULL")),
    Index("ix_version_parents_reference", "reference", **where("parent_id IS NULL")),
)
