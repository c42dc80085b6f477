"""Alembic runs this with the connection that `runner` opened, inside its transaction."""

from __future__ import annotations

from alembic import context

from lockgate.storage.gate_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite rolls DDL back like anything else; Alembic assumes otherwise.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
