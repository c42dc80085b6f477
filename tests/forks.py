"""Processes that are forked from one that has everything imported: starting them costs nothing.

``FORKS.Process(target=…, args=…)`` is a process like any other; ``FORKS.Pipe()`` leads to it.
"""

from __future__ import annotations

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg",
        "uvicorn",
        "lockgate.artifacts.local",
        "lockgate.artifacts.objects",
        "lockgate.http.app",
        "lockgate.registry",
        "lockgate.storage.sqlite",
    ]
)
