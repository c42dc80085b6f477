"""A registry with a clock that the test moves, and what is in its tables, for tests of gates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lockgate.bootstrap import open_store
from lockgate.domain.access import Actor
from lockgate.keys import SigningKey
from lockgate.registry import Registry
from lockgate.settings import Settings
from lockgate.storage.gate_tables import metadata
from lockgate.storage.store import Store

KEY = SigningKey(b"lockgate's signing key for tests")


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, **span: float) -> datetime:
        """Let time pass (``hours=1``); return the time it is then."""
        self.now += timedelta(**span)
        return self.now


class World:
    """A registry that ana works at, its store and its clock."""

    def __init__(self, url: str = "memory://") -> None:
        self.clock = Clock()
        self.store: Store = open_store(url, Settings(), self.clock)
        self.registry = Registry(self.store, Actor.named("ana"), signer=lambda: KEY)

    def as_(self, person: str) -> Registry:
        """Return the registry as somebody else uses it."""
        return self.registry.acting_as(person)

    def dump(self) -> dict[str, list[Any]]:
        """Return every row of every table."""
        with self.store.database.driver.reading() as connection:
            return {
                table.name: [
                    tuple(row) for row in connection.execute(f"SELECT * FROM {table.name}")
                ]
                for table in metadata.sorted_tables
            }

    def close(self) -> None:
        """Close the database."""
        self.registry.close()
