"""The generator of load, in a process of its own: connections that each ask without a pause.

    python -m bench.peers.driving < a Load as JSON > a Result as JSON

Every connection goes round a list of requests of its own. Nothing is measured in the first part.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import httptools
import uvloop

from bench.peers.processes import cpu_s

WARMING = 0.25
PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """Requests as text for each connection, to a server on 127.0.0.1 whose process is ``pid``."""

    port: int
    pid: int
    connections: list[list[str]]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of it; times are milliseconds, CPU is the server's, its children included."""

    requests: int
    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    statuses: dict[str, int]


def drive(load: Load) -> Result:
    """Run a load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.peers.driving"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=load.seconds * 2 + PATIENCE_S,
    )
    return Result(**json.loads(done.stdout))


def request(method: str, path: str, body: Any = None) -> str:
    """Return the text of one request."""
    text = "" if body is None else json.dumps(body)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(text.encode())}\r\n"
    return f"{head}\r\n{text}"


@dataclass
class _Tally:
    """What all connections saw."""

    latencies_s: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, requests: list[bytes], first: int, until: float, tally: _Tally) -> None:
        self._requests = requests
        self._next = first
        self._until = until
        self._tally = tally
        self.closed = asyncio.get_running_loop().create_future()

    @property
    def asked(self) -> int:
        """How far round its list it is."""
        return self._next

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._ask()

    def _ask(self) -> None:
        if time.perf_counter() >= self._until:
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._began = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Count an answer that is there as a whole (called by the parser)."""
        self._tally.latencies_s.append(time.perf_counter() - self._began)
        self._tally.statuses[str(self._parser.get_status_code())] += 1
        self._ask()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


async def _ask_until(load: Load, starts: list[int], until: float) -> _Tally:
    """Let every connection ask until a moment, connecting again where the server hung up."""
    tally = _Tally()

    async def one(number: int, texts: list[str]) -> None:
        requests = [text.encode() for text in texts]
        while time.perf_counter() < until:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(requests, starts[number], until, tally), "127.0.0.1", load.port
            )
            await connection.closed
            starts[number] = connection.asked

    await asyncio.gather(*(one(number, texts) for number, texts in enumerate(load.connections)))
    return tally


async def _run(load: Load) -> Result:
    starts = [0] * len(load.connections)
    await _ask_until(load, starts, time.perf_counter() + load.seconds * WARMING)
    before, began = cpu_s(load.pid), time.perf_counter()
    tally = await _ask_until(load, starts, began + load.seconds)
    took, used = time.perf_counter() - began, cpu_s(load.pid) - before
    latencies = sorted(tally.latencies_s)
    count = len(latencies)
    return Result(
        requests=count,
        per_s=count / took,
        p50_ms=latencies[count // 2] * 1e3,
        p99_ms=latencies[min(count - 1, count * 99 // 100)] * 1e3,
        cpu_ms=used / count * 1e3,
        statuses=dict(tally.statuses),
    )


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(_run(Load(**json.load(sys.stdin))))), sys.stdout)
