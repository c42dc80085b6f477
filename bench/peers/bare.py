"""The limits: ASGI applications on the same HTTP server that do the least that counts."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from lockgate.storage.sqlite import sqlite3

ANSWER = b'{"hello":"world!"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"18")]


async def hello(scope: Any, _receive: Any, send: Any) -> None:
    """Answer, and nothing else."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})


async def commit(scope: Any, receive: Any, send: Any) -> None:
    """Change one row in one durable transaction for each POST, then answer."""
    if scope["type"] == "http" and scope["method"] == "POST":
        database = _database()
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE bare SET count = count + 1 WHERE id = 1")
        database.execute("COMMIT")
    await hello(scope, receive, send)


@cache
def _database() -> Any:
    database = sqlite3.connect(os.environ["BENCH_BARE_DATABASE"], isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, count INTEGER)")
    database.execute("INSERT OR IGNORE INTO bare VALUES (1, 0)")
    return database
