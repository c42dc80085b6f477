"""Calls to a backend that may be away for a while, and the heartbeat of a claim."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self, TypeVar

from lockgate.coordination.backend import RegistryBackend
from lockgate.domain.claims import Claimed, Progress
from lockgate.errors import Contended, CoordinatorUnavailable

__all__ = ["BEATS_A_LEASE", "Keeper", "patiently"]

BEATS_A_LEASE = 3
PAUSE_S_MIN = 0.05
PAUSE_S_MAX = 2.0

T = TypeVar("T")


def patiently(call: Callable[[], T], *, outage_s_max: float) -> T:
    """Return what a call returns, trying again while the backend is away, but not for ever.

    Raises CoordinatorUnavailable (or Contended) once ``outage_s_max`` have passed.
    """
    ends_at_s = time.monotonic() + outage_s_max
    pause_s = PAUSE_S_MIN
    while True:
        try:
            return call()
        except (CoordinatorUnavailable, Contended):
            if time.monotonic() + pause_s > ends_at_s:
                raise
        time.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the callers
        pause_s = min(2 * pause_s, PAUSE_S_MAX)


class Keeper:
    """Beats for a claim from its own thread for as long as the block lasts.

    A backend that is away is asked again at the next beat: whether the claim outlived the outage
    is for the first answer to say.
    """

    def __init__(
        self, backend: RegistryBackend, claim: Claimed, progress: Callable[[], Progress]
    ) -> None:
        self._backend, self._claim, self._progress = backend, claim, progress
        self._stop = Event()
        self._error: Exception | None = None
        self._beaten_at_s = time.monotonic()
        self._thread = Thread(target=self._run, name="claim-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def require_held(self) -> None:
        """Raise ClaimLost if it is known to be lost (or what else ended the heartbeat).

        After a lease without a beat (this process was frozen, or the backend is away) the claim
        may be lost without our knowing: then the backend is asked, if it can be.
        """
        if self._error is None and time.monotonic() - self._beaten_at_s > self._claim.lease_s:
            self._beat()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not self._stop.wait(self._claim.lease_s / BEATS_A_LEASE) and not self._error:
            self._beat()

    def _beat(self) -> None:
        try:
            self._backend.heartbeat(self._claim, self._progress())
        except (CoordinatorUnavailable, Contended):
            return
        except Exception as error:  # noqa: BLE001 - kept, and raised where the download can see it
            self._error = error
            return
        self._beaten_at_s = time.monotonic()
