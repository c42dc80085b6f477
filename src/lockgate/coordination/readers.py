"""Who reads which copy: leases as small files, so that no copy in use is ever evicted.

A lease's last sign of life is its file's time of change, which the file system stamps; now is that
of a file touched for the purpose. So the clocks of the machines that share the disk need not agree.
On the reader's own machine a lease also holds as long as its process lives, frozen or not.

To read: put down the lease, then look for the copy. To evict: mark the copy (then nobody finds it),
then look for leases. Whichever comes first, at least one of the two sees the other and gives way.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from lockgate.coordination.layout import EVICTING, Copy, Layout, disk_time_s
from lockgate.domain.claims import ModelKey

__all__ = ["READER_LEASE_S", "ReaderLeases", "try_mark_for_eviction"]

READER_LEASE_S = 60.0


class ReaderLeases:
    """The leases that this process holds, kept alive by a thread while there are any."""

    def __init__(self, layout: Layout, *, lease_s: float = READER_LEASE_S) -> None:
        self._layout, self._lease_s = layout, lease_s
        self._lock = Lock()
        self._held: dict[Path, list[Path]] = {}
        self._stop = Event()
        self._thread: Thread | None = None

    def find_copy(self, key: ModelKey) -> Copy | None:
        """Return a copy and hold it from now on, or None."""
        if not self._layout.models(key).is_dir():
            return None  # spares the disk a lease where there is nothing to read
        lease = self._layout.readers(key) / f"{_host()}-{os.getpid()}-{uuid.uuid4().hex}"
        lease.parent.mkdir(parents=True, exist_ok=True)
        lease.touch()
        copy = self._layout.find_copy(key)
        with self._lock:
            if copy is None:
                lease.unlink(missing_ok=True)
            else:
                self._held.setdefault(copy.path, []).append(lease)
                self._start()
        return copy

    def release(self, path: Path) -> None:
        """Give up a copy, once for each time it was found; unknown paths are ignored."""
        with self._lock:
            leases = self._held.get(path, [])
            lease = leases.pop() if leases else None
            if not leases:
                self._held.pop(path, None)
        if lease is not None:
            lease.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up everything."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        while self._held:
            self.release(next(iter(self._held)))

    def _start(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._renew, name="reader-leases", daemon=True)
            self._thread.start()

    def _renew(self) -> None:
        while not self._stop.wait(self._lease_s / 3):
            with self._lock:
                leases = [lease for leases in self._held.values() for lease in leases]
            for lease in leases:
                try:
                    os.utime(lease)
                except FileNotFoundError:
                    lease.parent.mkdir(parents=True, exist_ok=True)
                    lease.touch()


@dataclass(frozen=True, slots=True)
class Mark:
    """A copy that nobody new will read, for as long as the mark lies in it."""

    path: Path

    def withdraw(self) -> None:
        self.path.unlink(missing_ok=True)


def try_mark_for_eviction(
    layout: Layout, copy: Copy, *, lease_s: float = READER_LEASE_S
) -> Mark | None:
    """Mark a copy as on its way out; None when somebody reads it (or it is gone)."""
    mark = Mark(copy.folder / f"{EVICTING}{uuid.uuid4().hex}")
    try:
        mark.path.touch()
    except FileNotFoundError:
        return None
    if has_readers(layout, copy.key, lease_s=lease_s):
        mark.withdraw()
        return None
    return mark


def has_readers(layout: Layout, key: ModelKey, *, lease_s: float = READER_LEASE_S) -> bool:
    """Tell whether anybody reads a model; leases of the dead are cleared away."""
    folder = layout.readers(key)
    if not folder.is_dir():
        return False
    now_s = disk_time_s(folder)
    found = False
    for lease in folder.iterdir():
        host, _, process = lease.name.rpartition("-")[0].rpartition("-")
        try:
            age_s = now_s - lease.stat().st_mtime
        except FileNotFoundError:
            continue
        is_ours = host == _host() and process.isdecimal()
        if age_s <= lease_s or (is_ours and _is_alive(int(process))):
            found = True
        else:
            lease.unlink(missing_ok=True)
    return found


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _host() -> str:
    return socket.gethostname().replace("/", "_")
