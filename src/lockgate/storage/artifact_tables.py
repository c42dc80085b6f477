"""The tables of files: what was proved of them, who signed them, what was swept.

file_proofs        (chunks, path, rules) → verdict        kept whatever becomes of the version
signatures         manifest digest → by which key
purged_versions    version → the files that it had and can never have again
artifact_epoch     one row: keeps a sweep and a seal from passing each other unseen
artifact_owner     one row: the name under which this database owns its artifact store
file_hashes        chunks → the SHA-256 of the file they make, computed here and not claimed
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, UniqueConstraint

from lockgate.storage.tables import Key, Text, metadata

__all__ = [
    "artifact_epoch",
    "artifact_owner",
    "file_hashes",
    "file_proofs",
    "metadata",
    "purged_versions",
    "signatures",
]

file_proofs = Table(
    "file_proofs",
    metadata,
    Column("content", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("rules", Integer, primary_key=True, autoincrement=False),
    Column("verdict", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

signatures = Table(
    "signatures",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("digest", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("digest", "public_key"),
    sqlite_autoincrement=True,
)

purged_versions = Table(
    "purged_versions",
    metadata,
    Column(
        "version_id",
        BigInteger,
        ForeignKey("versions.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("digest", Text, nullable=False),
    Column("purged_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

artifact_epoch = Table(
    "artifact_epoch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    # For how long the sweep that is under way may delete; NULL while there is none.
    Column("sweep_lease_s", Integer),
)

artifact_owner = Table(
    "artifact_owner",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("uid", Text, nullable=False),
)

file_hashes = Table(
    "file_hashes",
    metadata,
    Column("content", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
