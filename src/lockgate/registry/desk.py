"""What every verb stands on: the store, and who acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from lockgate.domain.access import Actor
from lockgate.domain.moments import parse_moment, to_micros
from lockgate.domain.references import DEFAULT_PROJECT, split_name
from lockgate.errors import InvalidSetting
from lockgate.keys import SigningKey
from lockgate.services import projects
from lockgate.services.depot import find_depot
from lockgate.storage.idempotency import Once
from lockgate.storage.preconditions import Unchanged
from lockgate.storage.store import Caller, Store

Moment = datetime | str | None
Signer = Callable[[], SigningKey]


class Desk:
    """A store of its own, an actor, and the project of names that are written without one."""

    def __init__(
        self,
        store: Store,
        actor: Actor,
        project: str = DEFAULT_PROJECT,
        signer: Signer | None = None,
    ) -> None:
        """Stand on ``store``; ``signer`` hands out the key that checkpoints are signed with."""
        self._store = store
        self._who = Caller(actor=actor)
        self._signer = signer or _no_key
        self.project = project

    def acting_as(
        self, actor: str | Actor, once: Once | None = None, only_if: Unchanged | None = None
    ) -> Self:
        """Return this registry with another actor.

        For one write also with an idempotency key, and with what must not have changed before it.
        """
        named = actor if isinstance(actor, Actor) else Actor.named(actor)
        other = type(self)(self._store, named, self.project, self._signer)
        other._who = Caller(actor=named, once=once, only_if=only_if)
        return other

    @property
    def actor(self) -> str:
        """Who acts."""
        return self._who.name

    def close(self) -> None:
        """Close the database, and the store of its files."""
        depot = find_depot(self._store)
        if depot is not None:
            depot.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises `DatabaseUnavailable`."""
        projects.get_project(self._store, DEFAULT_PROJECT)

    def _split(self, name: str) -> tuple[str, str]:
        return split_name(name, self.project)


def _no_key() -> SigningKey:
    raise InvalidSetting(
        setting="LOCKGATE_AUDIT_KEY", detail="this registry was opened without a signing key"
    )


def micros(at: Moment) -> int | None:
    """Return a moment in microseconds since the epoch, or None."""
    return None if at is None else to_micros(parse_moment(at))
