"""Notes uses in the backend without making anybody wait for it."""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING

from lockgate.errors import Contended, CoordinatorUnavailable

if TYPE_CHECKING:
    from lockgate.coordination.backend import RegistryBackend
    from lockgate.domain.claims import ModelKey

__all__ = ["Uses"]

PENDING_MAX = 10_000


class Uses:
    """Touches records from a thread of its own, started with the first use.

    A use that the backend was away for is counted in ``unnoted`` and forgotten: the order of
    eviction is then a little off, and nothing else.
    """

    def __init__(self, backend: RegistryBackend) -> None:
        self._backend = backend
        self._changed = Condition()
        self._pending: dict[ModelKey, None] = {}
        self._is_closed = False
        self._thread: Thread | None = None
        self.unnoted = 0

    def note(self, key: ModelKey) -> None:
        """Have a use noted soon."""
        with self._changed:
            if len(self._pending) >= PENDING_MAX:
                self.unnoted += 1
                return
            self._pending.pop(key, None)  # the latest use is the last in the order
            self._pending[key] = None
            if self._thread is None:
                self._thread = Thread(target=self._run, name="cache-uses", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Note what is pending, then stop."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._is_closed)
                if not self._pending:
                    return
                key = next(iter(self._pending))
                del self._pending[key]
            try:
                self._backend.touch_model(key)
            except (CoordinatorUnavailable, Contended):
                self.unnoted += 1
