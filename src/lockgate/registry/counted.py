"""Versions for clients of other registries: of models that are there, called by their number.

Asking first whether the model is there, or what the version of a number is called, would cost
another read, and be about a moment that is over.
"""

from __future__ import annotations

from typing import Any

from lockgate.domain.outcomes import Promoted
from lockgate.domain.references import split_name
from lockgate.domain.versions import ModelVersion
from lockgate.services import promotion, registration
from lockgate.services.promotion import Move
from lockgate.storage.store import Caller, Store


class CountedVersions:
    """Versions in a store, changed in the name of ``who``; models are ``project/name``."""

    def __init__(self, store: Store, who: Caller) -> None:
        self._store = store
        self._who = who

    def register(self, name: str, **said: Any) -> ModelVersion:
        """Register a version; ``said`` is what `register_model` takes. Raises `ModelNotFound`."""
        project, bare = split_name(name)
        new = registration.new_version(self._store.limits, **said)
        return registration.register_known(self._store, self._who, project, bare, new)

    def transition(
        self, name: str, number: int, to: str, *, archive_others: bool = False
    ) -> Promoted:
        """Take the version of a number to another stage; see `promotion.transition`."""
        project, bare = split_name(name)
        move = Move(to=to, archive_others=archive_others)
        return promotion.transition(self._store, self._who, project, bare, number, move)
