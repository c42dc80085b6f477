"""Processes that change a registry and tell webhooks, made by forking, so that many can be killed.

    python crasher.py URL

Everything is imported once. For each line ``SEED`` on standard input a child is forked that opens
the registry, begins to deliver and to write, and is killed by SIGKILL at a moment that the seed
decides; then ``dead`` is printed. ``end`` ends it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

from lockgate.bootstrap import acting, open_store
from lockgate.registry import Registry
from lockgate.services.deliverer import Deliverer, DeliveryRules
from lockgate.services.posting import Poster
from lockgate.settings import Settings

MODELS = ("churn", "fraud", "spam")
LIFE_S = (0.01, 0.3)
LEASE_S = 0.1
POSTER = Poster("127.0.0.1")


class Crasher:
    """A running crasher, seen from the test."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def crash(self, seed: int) -> None:
        """Let a child write and deliver, and kill it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "dead\n"

    def end(self) -> None:
        """End it."""
        out, _ = self.process.communicate("end\n", timeout=60)
        assert (self.process.returncode, out) == (0, "")


def rules() -> DeliveryRules:
    """Rules that lose no time."""
    return DeliveryRules(poll_s=0.02, lease_s=LEASE_S)


def live(url: str, seed: int, ready: int) -> None:
    """Write and deliver until killed."""
    settings = Settings(database=url, webhook_hosts="127.0.0.1")
    store = open_store(url, settings)
    registry = Registry(store, acting(settings, "ana"))
    deliverer = Deliverer(store, POSTER, rules())
    deliverer.start()
    os.write(ready, b"!")
    chance = random.Random(seed)
    while True:
        registry.register_model(chance.choice(MODELS))
        time.sleep(chance.uniform(0, 0.01))


def main(url: str) -> None:
    """Fork and kill, as asked."""
    # Once, and not in every child: the first one reads all certificates.
    POSTER("http://127.0.0.1:9/", {}, b"")
    for line in sys.stdin:
        if line == "end\n":
            return
        chance = random.Random(int(line))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            live(url, int(line), writing)
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        time.sleep(chance.uniform(*LIFE_S))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
