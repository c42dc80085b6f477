"""The program that the crash tests kill: it pushes, pulls or sweeps until it is done or dead.

    push_crashes.py push URL PATH NAME LABEL     push_crashes.py gc URL
    push_crashes.py pull URL REF DEST            push_crashes.py serve URL

Everything in the store counts as a day older than it is, so that a sweep takes whatever no version
names, what a push has just sent included. Prints a line when it is ready to be killed.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from lockgate.bootstrap import acting, connect, open_store
from lockgate.errors import Contended
from lockgate.registry import Registry
from lockgate.services.depot import Depot, DepotRules
from lockgate.settings import Settings


class LateStore:
    """A store whose clock is two days ahead of its items."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def clock_s(self) -> float:
        """Return the time in two days."""
        return float(self._store.clock_s()) + 2 * 86_400

    def list_strays(self) -> Any:
        """Return none: what others are writing just now is not as old as it looks."""
        return iter(())


def registry_at(url: str) -> Any:
    """Return a registry whose sweeps believe in another time, or a client."""
    settings = Settings.from_environ()
    if url.startswith("http"):
        return connect(url, actor="ana", settings=settings)
    store = open_store(url, settings)
    real = store.depot
    assert isinstance(real, Depot)
    rules = DepotRules(cache=real.rules.cache, sweep_lease_s=1)
    store.depot = Depot(lambda: LateStore(real.blobs), rules)  # type: ignore[arg-type, return-value]
    return Registry(store, acting(settings, "ana"))


def main() -> None:
    """Do what the arguments say."""
    verb, url, *rest = sys.argv[1:]
    registry = registry_at(url)
    if verb == "serve":
        _serve(registry)
        return
    print("ready", flush=True)
    if verb == "push":
        registry.push(Path(rest[0]), rest[1], rest[2])
    elif verb == "pull":
        registry.pull(rest[0], Path(rest[1]))
    else:
        # On a busy machine its lease may be too short: a sweep that gives up is one that stopped.
        with contextlib.suppress(Contended):
            registry.gc()
    print("done", flush=True)


def _serve(registry: Any) -> None:
    import socket

    import uvicorn

    from lockgate.http.app import build_app

    app = build_app(registry, Settings(database=os.environ["LOCKGATE_TEST_DATABASE"]))
    listener = socket.create_server(("127.0.0.1", int(os.environ["LOCKGATE_TEST_PORT"])))
    print("ready", flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False, ws="none")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
