"""How far each log was verified by this process: kept in memory, so that only news is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from lockgate.domain.verification import LogVerifier, Verdict, Verified


@dataclass
class Watched:
    """One project's log: its verifier, and the fault that was found, which stays.

    Whoever holds ``lock`` works with the verifier; the others are told what was ``told`` last.
    """

    verifier: LogVerifier
    told: Verified
    fault: Verdict | None = None
    lock: Lock = field(default_factory=Lock)


class WatchedLogs:
    """The logs that somebody asked about, by the key of their project. Thread-safe."""

    def __init__(self) -> None:
        self._logs: dict[int, Watched] = {}
        self._lock = Lock()

    def load(self, key: int, project: str) -> Watched:
        """Return what is known of a project's log: nothing, when it is asked for first."""
        with self._lock:
            return self._logs.setdefault(
                key,
                Watched(
                    LogVerifier(project, fold=False),
                    Verified(project=project, ok=True, seq=0, size=0, root=""),
                ),
            )
