"""The bell: rings in this process when events were committed in it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Bell:
    """Wakes those who wait for events. Other processes' events are found by looking now and then.

    Listeners are called in the thread that committed; they return at once and raise nothing.
    """

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._listeners: frozenset[Callable[[], None]] = frozenset()
        self.count = 0

    def ring(self) -> None:
        """Wake everybody."""
        with self._rung:
            self.count += 1
            self._rung.notify_all()
            listeners = self._listeners
        for listener in listeners:
            listener()

    def wait(self, heard: int, timeout_s: float) -> None:
        """Return once the bell has rung more than ``heard`` times, or the time is over."""
        with self._rung:
            self._rung.wait_for(lambda: self.count > heard, timeout_s)

    def add(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` at every ring."""
        with self._rung:
            self._listeners |= {listener}

    def remove(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` no more."""
        with self._rung:
            self._listeners -= {listener}
