"""Working: a thread that takes turns at some work, which one process of all does, by a lease."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lockgate.errors import RegistryError
from lockgate.services.leasing import Lease
from lockgate.storage.store import Store

STOP_S = 15.0


class LeasedWorker:
    """Takes a ``turn`` every ``every_s``, and when it is woken, from `start` to `stop`.

    A turn asks for the ``lease`` when there is work. What it raises is told in the server's log,
    and the next turn comes all the same. Who wakes it waits for ``gather_s`` at most: what comes
    together is then done together.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        turn: Callable[[], None],
        *,
        every_s: float,
        lease_s: float,
        gather_s: float = 0.0,
    ) -> None:
        self.lease = Lease(store, name, lease_s)
        self._name = name
        self._turn = turn
        self._every_s = every_s
        self._gather_s = gather_s
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether no more work is to be begun."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Take a turn soon. From any thread."""
        self._wake.set()

    def stop(self, finish: Callable[[], None] | None = None) -> None:
        """End: wait for the turn that is under way, ``finish``, and let others have the lease."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
        if finish is not None:
            finish()
        self.tell_of(self.lease.release)

    def tell_of(self, work: Callable[[], None]) -> None:
        """Do some ``work``; what it raises is told in the server's log."""
        try:
            work()
        except RegistryError as error:
            self._warn("work left for later", error)
        except Exception as error:  # noqa: BLE001  # a thread's last door: tell, do not vanish
            self._warn("work left for later, by a fault of ours", error)

    def _warn(self, what: str, error: Exception) -> None:
        import structlog  # with it comes a terminal's whole renderer: a quick start does without

        told = f"{self._name}: {what}"
        structlog.get_logger().warning(told, error=str(error), kind=type(error).__name__)

    def _run(self) -> None:
        while not self.is_stopping:
            if self._wake.wait(self._every_s):
                self._stopping.wait(self._gather_s)
            self._wake.clear()
            if not self.is_stopping:
                self.tell_of(self._turn)
