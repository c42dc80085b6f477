"""Models on a disk, each downloaded once however many want it.

One caller of all holds the claim and downloads; the others watch its heartbeat and wait. Should it
fall silent, one of them takes over where it stopped. What is on the disk is found by looking at the
disk: a hit needs no backend.
"""

from __future__ import annotations

import random
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeVar

from lockgate.coordination.download import Download
from lockgate.coordination.keeper import Keeper, patiently
from lockgate.coordination.layout import Copy, Layout
from lockgate.coordination.providers import Provider, Providers
from lockgate.coordination.readers import READER_LEASE_S, ReaderLeases
from lockgate.coordination.tallies import Tallies
from lockgate.coordination.uses import Uses
from lockgate.coordination.waiting import Step, Watch, plan_step
from lockgate.domain.claims import (
    LEASE_S_DEFAULT,
    Claimed,
    ModelKey,
    ModelRecord,
    Progress,
    require_lease,
)
from lockgate.errors import (
    ClaimLost,
    Contended,
    CoordinatorUnavailable,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    RegistryError,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockgate.coordination.backend import RegistryBackend

__all__ = ["CacheEvent", "CacheLimits", "ModelCache"]

T = TypeVar("T")
# So that a silent owner is replaced within a lease and one heartbeat: the silence is noticed up to
# one look late, and its end up to one more.
LOOKS_A_LEASE = 8
LOOK_SPREAD = 0.1
# Trying again would not help.
_FINAL = (NotFound, InvalidInput, Unauthenticated, Forbidden, LimitExceeded)


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """How long and how often a cache tries."""

    lease_s: float = LEASE_S_DEFAULT
    look_s: float = 2.0  # between two looks of a waiter at the record
    disk_look_s: float = 0.25  # between two looks of a waiter at the disk
    wait_s_max: float = 6 * 3600.0
    outage_s_max: float = 60.0
    attempts_max: int = 3
    reclaims_max: int = 1
    model_bytes_max: int = 4 << 40
    reader_lease_s: float = READER_LEASE_S

    def __post_init__(self) -> None:
        require_lease(self.lease_s)
        if min(self.look_s, self.disk_look_s, self.attempts_max, self.reader_lease_s) <= 0:
            raise InvalidInput(field="limits", detail="cache limits are more than zero")

    @property
    def pause_s(self) -> float:
        """How long a waiter waits between two looks at the record: it must see a lease end."""
        return min(self.look_s, self.lease_s / LOOKS_A_LEASE)


@dataclass(frozen=True, slots=True)
class CacheEvent:
    """What is going on with a model, told to whoever asked for it."""

    key: ModelKey
    state: Literal["hit", "waiting", "downloading", "downloaded", "taken over"]
    progress: Progress | None = None
    message: str = ""


class ModelCache:
    """A folder of models, and the backend through which its users agree on who downloads.

    ``scope`` "cluster": ROOT is one volume that all see, and a model is downloaded once. "node":
    every machine has a ROOT of its own, and a model is downloaded once for each ``node``.
    Safe to use from several threads and processes. What `ensure` returned is not evicted until
    it is released or the cache is closed.
    """

    def __init__(
        self,
        root: Path | str,
        backend: RegistryBackend,
        *,
        providers: Iterable[Provider] | None = None,
        scope: Literal["cluster", "node"] = "cluster",
        node: str = "",
        limits: CacheLimits | None = None,
    ) -> None:
        if scope not in ("cluster", "node"):
            raise InvalidInput(field="scope", detail=f"scope {scope!r} is not 'cluster' or 'node'")
        self.limits = limits or CacheLimits()
        self.backend = backend
        self.layout = Layout(Path(root).absolute())
        self.node = (node or socket.gethostname()) if scope == "node" else ""
        if providers is None:
            # Their clients are loaded where they are used.
            from lockgate.coordination.origins import default_providers

            providers = default_providers()
        self._providers = Providers(providers)
        self._readers = ReaderLeases(self.layout, lease_s=self.limits.reader_lease_s)
        self._uses = Uses(backend)
        self._tallies = Tallies(self.layout.root)
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._busy: dict[str, tuple[Lock, int]] = {}

    def __enter__(self) -> ModelCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release every copy, note the last uses and close the providers; not the backend."""
        self._readers.close()
        self._uses.close()
        self._providers.close()
        self._tell_tally()

    def release(self, path: Path) -> None:
        """Say that a path which `ensure` returned is no longer used; once for each call."""
        self._readers.release(path)

    def counts(self) -> dict[str, int]:
        """Return what this cache did so far: hits, misses, claims, bytes, … by name."""
        with self._lock:
            counts = dict(self._counts)
        return counts | {"uses_unnoted": self._uses.unnoted}

    def totals(self) -> dict[str, int]:
        """Return what all caches on this folder did, told after each download and on close."""
        self._tell_tally()
        return self._tallies.total()

    def key_of(self, reference: str, *, ignore_weights: bool = False) -> ModelKey:
        """Return the key of exactly the bytes that a reference means now."""
        provider = self._providers.of_reference(reference)
        key = provider.resolve(reference, ignore_weights=ignore_weights)
        return replace(key, node=self.node) if self.node else key

    def ensure(
        self,
        reference: str,
        *,
        ignore_weights: bool = False,
        on_event: Callable[[CacheEvent], None] | None = None,
    ) -> Path:
        """Return a folder with the verified files of a reference, downloaded if need be.

        Raises what resolving or downloading raises; Unavailable when others failed to download it
        or its files are lost again and again; CoordinatorUnavailable when the backend stays away;
        Contended when it takes longer than ``wait_s_max``.
        """
        tell = on_event or _ignore
        key = self.key_of(reference, ignore_weights=ignore_weights)
        copy = self._readers.find_copy(key)
        if copy is None:
            with self._alone(key):  # the threads of this process need only one who waits
                copy = self._readers.find_copy(key)
                if copy is None:
                    copy = _Fetch(self, key, tell).run()
                    self._tell_tally()
        else:
            self._count(hits=1, bytes_saved=copy.bytes_total)
            tell(CacheEvent(key, "hit"))
        self._uses.note(key)
        return copy.path

    def _count(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)

    def _tell_tally(self) -> None:
        try:
            self._tallies.tell(self.counts())
        except OSError:  # a disk that is full or read-only is no reason to fail its readers
            self._count(tallies_untold=1)

    @contextmanager
    def _alone(self, key: ModelKey) -> Iterator[None]:
        with self._lock:
            lock, users = self._busy.get(key.id, (Lock(), 0))
            self._busy[key.id] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._busy.pop(key.id)
                if users > 1:
                    self._busy[key.id] = (lock, users - 1)


class _Fetch:
    """One caller's way to a model that is not on the disk yet."""

    def __init__(
        self, cache: ModelCache, key: ModelKey, tell: Callable[[CacheEvent], None]
    ) -> None:
        self._cache, self._key, self._tell = cache, key, tell
        self._limits, self._backend = cache.limits, cache.backend
        self._watch = Watch(look_s_max=2 * self._limits.pause_s)
        self._error: RegistryError | None = None
        # One name for all attempts of a call whose reply may be lost; a new one after each claim.
        self._holder = str(uuid.uuid4())

    def run(self) -> Copy:
        """Claim, wait or take over until the files are there."""
        started_at_s = time.monotonic()
        self._cache._count(misses=1)
        claim = self._claim()
        while True:
            if claim is not None:
                copy = self._download(claim)
                self._holder = str(uuid.uuid4())
            else:
                copy = self._look_at_disk()
            if copy is not None:
                waited_ms = round(1000 * (time.monotonic() - started_at_s))
                saved = copy.bytes_total if claim is None else 0  # another fetched them for us
                self._cache._count(waits=1, wait_ms=waited_ms, bytes_saved=saved)
                return copy
            if time.monotonic() - started_at_s > self._limits.wait_s_max:
                raise Contended(
                    detail=f"{self._key} was not there after {self._limits.wait_s_max:g} s."
                )
            claim = self._next_claim()

    def _next_claim(self) -> Claimed | None:
        """Look at the record and do the next step; return a claim if that step won one."""
        record = self._call(lambda: self._backend.get_model_record(self._key))
        self._watch.observe(record, time.monotonic())
        if self._cache.layout.find_copy(self._key) is not None:
            return None
        step = plan_step(
            record,
            self._watch,
            attempts_max=self._limits.attempts_max,
            reclaims_max=self._limits.reclaims_max,
        )
        if record is None:
            return self._claim()
        match step:
            case Step.TAKE_OVER:
                if self._watch.failed:
                    self._pause()
                return self._take_over(record)
            case Step.GIVE_UP_FAILED:
                raise self._error or Unavailable(
                    detail=f"{self._key} could not be downloaded: {record.message}"
                )
            case Step.GIVE_UP_LOST:
                raise Unavailable(
                    detail=f"{self._key} was downloaded, but its files are not below "
                    f"{self._cache.layout.root}: do all who use this backend share that folder?"
                )
        self._tell(CacheEvent(self._key, "waiting", record.progress, record.message))
        self._pause()
        return None

    def _claim(self) -> Claimed | None:
        outcome = self._call(
            lambda: self._backend.try_claim_for_download(
                self._key, holder=self._holder, lease_s=self._limits.lease_s
            )
        )
        is_won = isinstance(outcome, Claimed)
        self._cache._count(claims_won=int(is_won), claims_lost=int(not is_won))
        return outcome if isinstance(outcome, Claimed) else None

    def _take_over(self, seen: ModelRecord) -> Claimed | None:
        claim = self._call(
            lambda: self._backend.try_take_over(
                seen, holder=self._holder, lease_s=self._limits.lease_s
            )
        )
        if claim is None:
            self._cache._count(claims_lost=1)
            return None
        if seen.status == "DOWNLOADED":
            self._watch.reclaims += 1
        self._cache._count(takeovers=1)
        self._tell(CacheEvent(self._key, "taken over", message=f"after {seen.status}"))
        return claim

    def _download(self, claim: Claimed) -> Copy | None:
        """Download under a claim; None when it was lost, or failed in a way worth another try."""
        copy = self._look_at_disk()
        download = Download(
            self._cache.layout,
            self._cache._providers.by_name(self._key.provider),
            claim,
            require_held=lambda: keeper.require_held(),
            bytes_max=self._limits.model_bytes_max,
        )
        keeper = Keeper(self._backend, claim, lambda: self._report(download))
        try:
            with keeper:
                if copy is None:
                    download.run()
                    # The last word before the files appear: is the claim still ours?
                    self._call(lambda: self._backend.heartbeat(claim, download.progress))
                    download.publish()
                    self._cache.layout.remove_damaged(self._key)
            self._call(lambda: self._backend.finish(claim))
        except ClaimLost:
            self._cache._count(claims_taken_away=1)
        except (CoordinatorUnavailable, Contended):
            # The files may have appeared: then whoever takes over finds them, and only says so.
            copy = copy or self._look_at_disk()
            if copy is None:
                raise
        except RegistryError as error:
            self._fail(claim, error)
            if isinstance(error, _FINAL):
                raise
            self._error = error
            self._watch.failed.add((claim.holder, claim.fence))
        except BaseException as error:
            self._fail(claim, error)
            raise
        finally:
            self._cache._count(
                bytes_fetched=download.bytes_fetched, bytes_salvaged=download.bytes_salvaged
            )
        copy = copy or self._look_at_disk()
        if copy is not None:
            self._tell(CacheEvent(self._key, "downloaded", download.progress))
        return copy

    def _report(self, download: Download) -> Progress:
        self._tell(CacheEvent(self._key, "downloading", download.progress))
        return download.progress

    def _fail(self, claim: Claimed, error: BaseException) -> None:
        """Say in the record why it failed, if the record can be reached and is still ours."""
        self._cache._count(failures=1)
        message = str(error) or type(error).__name__
        try:
            self._call(lambda: self._backend.fail(claim, message))
        except (ClaimLost, Contended, Unavailable) as unsaid:
            error.add_note(f"The failure could not be recorded: {unsaid}")

    def _look_at_disk(self) -> Copy | None:
        return self._cache._readers.find_copy(self._key)

    def _pause(self) -> None:
        """Let time pass until the next look at the record, or until the files appear."""
        spread = random.uniform(1 - LOOK_SPREAD, 1 + LOOK_SPREAD)  # noqa: S311 - spreads waiters
        pause_s = self._limits.pause_s * spread
        ends_at_s = time.monotonic() + pause_s
        while (left_s := ends_at_s - time.monotonic()) > 0:
            if self._cache.layout.find_copy(self._key) is not None:
                return
            time.sleep(min(left_s, self._limits.disk_look_s))

    def _call(self, call: Callable[[], T]) -> T:
        return patiently(call, outage_s_max=self._limits.outage_s_max)


def _ignore(_: CacheEvent) -> None:
    """Tell nobody."""
