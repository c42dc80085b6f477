"""Leasing: one process of all does a piece of work, for as long as it gives signs of life."""

from __future__ import annotations

import time
import uuid

from lockgate.storage import leases
from lockgate.storage.leases import Seen
from lockgate.storage.store import Store


class Lease:
    """The turn at one piece of work. For one thread, but for `is_held`.

    Who is silent for ``lease_s`` loses it, judged by the clock of whoever waits; the holder stops
    believing in it after half of that.
    """

    def __init__(self, store: Store, name: str, lease_s: float) -> None:
        self._store = store
        self._name = name
        self._lease_s = lease_s
        self._seen: Seen | None = None
        self._seen_s = 0.0
        self._good_until_s = 0.0
        self.holder = uuid.uuid4().hex

    @property
    def is_held(self) -> bool:
        """Whether the work is ours now."""
        return time.monotonic() < self._good_until_s

    def acquire(self) -> bool:
        """Take the lease if it is free, or keep it; return whether it is ours."""
        began_s = time.monotonic()
        if self._good_until_s - began_s > self._lease_s / 4:
            return True
        if self._good_until_s and self._beaten():
            self._good_until_s = began_s + self._lease_s / 2
            return True
        self._good_until_s = 0.0
        seen = self._store.read(lambda session: leases.find_lease(session, self._name))
        if seen is not None and seen.holder and not self._is_silent(seen, began_s):
            return False
        taken = self._store.database.write(
            lambda session: leases.take_lease(session, self._name, self.holder, seen)
        )
        if taken:
            self._good_until_s = began_s + self._lease_s / 2
        return taken

    def release(self) -> None:
        """Let others have it at once."""
        if self._good_until_s:
            self._good_until_s = 0.0
            self._store.database.write(
                lambda session: leases.release_lease(session, self._name, self.holder)
            )

    def _beaten(self) -> bool:
        return self._store.database.write(
            lambda session: leases.beat_lease(session, self._name, self.holder)
        )

    def _is_silent(self, seen: Seen, now_s: float) -> bool:
        if seen != self._seen:
            self._seen, self._seen_s = seen, now_s
        return now_s - self._seen_s >= self._lease_s
