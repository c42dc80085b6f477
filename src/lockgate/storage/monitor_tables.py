"""The tables of monitoring: what versions do in use, and the rules that watch it.

versions ─ observations        (a row for each minute, hour and day of a metric that has values)
versions ─ histograms          (the edges of a metric's histograms, and those of its reference)
   └────── histogram_buckets   (the counts of each minute, hour and day)
models ─── monitors            (a rule under a name, and how it stands)
models ─── metric_sources      (where a server itself asks for a metric, and how far it has asked)
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, Table

from lockgate.storage.tables import Text, metadata

__all__ = [
    "histogram_buckets",
    "histograms",
    "metadata",
    "metric_sources",
    "monitors",
    "observations",
]

observations = Table(
    "observations",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("grain_s", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("total", Double, nullable=False),
    Column("squares", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Index("ix_observations_grain_s_at", "grain_s", "at"),
    sqlite_with_rowid=False,
)

histograms = Table(
    "histograms",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("edges", Text, nullable=False),
    Column("reference", Text),
)

histogram_buckets = Table(
    "histogram_buckets",
    metadata,
    Column("version_id", BigInteger, ForeignKey("versions.id"), primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("grain_s", Integer, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("counts", Text, nullable=False),
    Index("ix_histogram_buckets_grain_s_at", "grain_s", "at"),
    sqlite_with_rowid=False,
)

monitors = Table(
    "monitors",
    metadata,
    Column("model_id", BigInteger, ForeignKey("models.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Text),
    Column("since", BigInteger),
    Column("rolled_back_at", BigInteger),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)

metric_sources = Table(
    "metric_sources",
    metadata,
    Column("model_id", BigInteger, ForeignKey("models.id"), primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("stage", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("step_s", Integer, nullable=False),
    Column("read_until", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
