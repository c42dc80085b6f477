"""What every verb stands on: the store, and who acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Self, TypeVar

from lockgate.domain.access import Actor
from lockgate.domain.grants import Grant
from lockgate.domain.moments import parse_moment, to_micros
from lockgate.domain.references import DEFAULT_PROJECT, split_name
from lockgate.errors import InvalidSetting, Unauthenticated
from lockgate.keys import SigningKey
from lockgate.services.depot import find_depot
from lockgate.storage.accounts import read_state
from lockgate.storage.idempotency import Once
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

    def acting_as(self, actor: str | Actor, once: Once | None = None) -> Self:
        """Return this registry with another actor (and, for one write, an idempotency key).

        Raises `Unauthenticated` for an actor that is not the owner of the token it works by.
        """
        named = actor if isinstance(actor, Actor) else Actor.named(actor)
        if self._who.grant is not None and named != self._who.actor:
            raise Unauthenticated(
                detail=f"A token says who acts: this one is of {self._who.name!r} and acts for "
                "nobody else"
            )
        return self._for(replace(self._who, actor=named, once=once))

    def _for(self, who: Caller) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._who = who
        other._store = self._store.seen_by(who.grant)
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
        self._store.database.read(read_state)

    def _require_somewhere(self, permission: str) -> None:
        """Raise `Forbidden` unless the caller may do something in some project."""
        if self._who.grant is not None:
            self._who.grant.require_somewhere(permission)

    def _require_everywhere(self, *permissions: str) -> None:
        """Raise `Forbidden` unless the caller may do all this in the installation."""
        for permission in permissions:
            if self._who.grant is not None:
                self._who.grant.require_everywhere(permission)

    def _split(self, name: str) -> tuple[str, str]:
        return split_name(name, self.project)


D = TypeVar("D", bound=Desk)


def store_of(desk: Desk) -> Store:
    """Return what a registry stands on."""
    return desk._store


def grant_of(desk: Desk) -> Grant | None:
    """Return what whoever uses a registry may; None for whoever may everything."""
    return desk._who.grant


def granted(desk: D, grant: Grant, address: str | None = None) -> D:
    """Return a registry as somebody uses it who has proved who they are."""
    return desk._for(Caller(actor=Actor(grant.actor), grant=grant, address=address))


def unproved(desk: D, actor: Actor | None = None) -> D:
    """Return a registry as somebody uses it over a network, before access control is on."""
    return desk._for(Caller(actor=actor or desk._who.actor, unproved=True))


def _no_key() -> SigningKey:
    raise InvalidSetting(
        setting="LOCKGATE_AUDIT_KEY", detail="this registry was opened without a signing key"
    )


def micros(at: Moment) -> int | None:
    """Return a moment in microseconds since the epoch, or None."""
    return None if at is None else to_micros(parse_moment(at))
