"""The tables of splits: who gets which share of a model's keys, and what came of it.

models ─── splits               (one row a model that has a split)
versions ─ outcome_tallies      (one row for each metric, grown by every batch)
models ─── outcome_batches      (which batches were counted, so that none is counted twice)
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, Table

from lockgate.storage.tables import Text, metadata

__all__ = ["metadata", "outcome_batches", "outcome_tallies", "splits"]

splits = Table(
    "splits",
    metadata,
    Column("model_id", BigInteger, ForeignKey("models.id"), primary_key=True, autoincrement=False),
    Column("uid", Text, nullable=False, unique=True),
    Column("arms", Text, nullable=False),
    Column("ring", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("moved", Double, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)

outcome_tallies = Table(
    "outcome_tallies",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("total", Double, nullable=False),
    Column("squares", Double, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

outcome_batches = Table(
    "outcome_batches",
    metadata,
    Column("model_id", BigInteger, ForeignKey("models.id"), primary_key=True),
    Column("batch", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_outcome_batches_model_id_at", "model_id", "at"),
)
