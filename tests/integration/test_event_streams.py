"""Event streams: resumed without a gap, limited in number, ended when the server ends."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path

import httpx
import pytest

from lockgate.errors import Unavailable
from lockgate.http.app import build_app
from lockgate.sdk.client import Client
from lockgate.sdk.events import read_stream
from lockgate.settings import Settings
from racer import Racer
from registries import Server, embedded, running, serving

STREAMS_MAX = 2


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that keeps two streams open."""
    settings = Settings(database="memory://", event_streams_max=STREAMS_MAX, events_poll_s=0.05)
    app = build_app(embedded(), settings)
    with running(app) as url:
        yield Server(app, url)


@contextmanager
def stream(server: Server, **headers: str) -> Iterator[Iterator[str]]:
    """Open a stream; yield its lines."""
    with (
        httpx.Client(trust_env=False, timeout=30) as client,
        client.stream("GET", f"{server.url}/api/v1/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.iter_lines()


def block(lines: Iterator[str]) -> dict[str, str]:
    """Read a stream up to the next empty line."""
    found: dict[str, str] = {}
    for line in lines:
        if not line:
            return found
        name, _, value = line.partition(": ")
        found[name] = value
    raise AssertionError("the stream ended")


def test_a_stream_is_server_sent_events(server: Server) -> None:
    """Each with number, action and the event as JSON; it begins with where it stands."""
    registry = server.app.state.registry
    head = registry.read_events().position
    with stream(server) as lines:
        assert block(lines) == {"retry": "2000", "": "alive", "id": str(head)}
        registry.register_model("churn", "1")
        created, registered = block(lines), block(lines)
    assert (created["id"], created["event"]) == (str(head + 1), "create_model")
    assert json.loads(registered["data"])["version"] == "1"


def test_a_stream_goes_on_after_the_last_id(server: Server) -> None:
    """What a browser sends when it connects again."""
    registry = server.app.state.registry
    head = registry.read_events().position
    registry.register_model("churn", "1")
    with stream(server, **{"last-event-id": str(head + 1)}) as lines:
        assert block(lines)["event"] == "register_version"
    refused = httpx.get(
        f"{server.url}/api/v1/events", headers={"last-event-id": "soon"}, trust_env=False
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input")


def test_streams_are_limited(server: Server) -> None:
    """One too many is told to come back later; one that ends makes room."""
    with stream(server) as first, stream(server):
        block(first)
        refused = httpx.get(f"{server.url}/api/v1/events", trust_env=False)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "2 event streams" in refused.json()["detail"]
    until_free(server)
    with stream(server) as again:
        assert block(again)["id"]


def until_free(server: Server) -> None:
    """Wait until the server has seen that nobody listens any more."""
    for _ in range(500):
        if len(server.app.state.streams) == 0:
            return
        threading.Event().wait(0.02)
    raise AssertionError("streams stayed open")


def test_a_stream_gives_signs_of_life(server: Server) -> None:
    """When nothing is wanted that happens, with how far the log has been read."""
    server.app.state.streams.heartbeat_s = 0.05
    registry = server.app.state.registry
    with stream(server) as lines:
        before = int(block(lines)["id"])
        assert block(lines) == {"": "alive", "id": str(before)}
        registry.create_model("churn")
        while (found := block(lines)).get("event") != "create_model":
            assert int(found["id"]) == before


def test_a_client_takes_up_what_broke_off(tmp_path: Path) -> None:
    """The server is killed and started again: its client hears everything, once and in order."""
    url = f"sqlite:///{tmp_path}/lockgate.db"
    with embedded(url) as registry:
        head = registry.read_events().position
        first = serving(url, LOCKGATE_EVENTS_POLL_S="0.05")
        port = first.url.rpartition(":")[2]
        heard: list[int] = []
        with Client(first.url) as client:
            events = client.events(after=head)
            listening = threading.Thread(
                target=lambda: heard.extend(event.seq for event in islice(events, 12))
            )
            listening.start()
            for number in range(3):
                registry.register_model("churn", str(number))
            first.end(signal.SIGKILL)
            for number in range(3, 6):
                registry.register_model("churn", str(number))
            second = serving(url, port, LOCKGATE_EVENTS_POLL_S="0.05")
            for number in range(6, 11):
                registry.register_model("churn", str(number))
            listening.join(60)
            assert not listening.is_alive()
            # The stream is still open, and holds nobody up.
            second.end(signal.SIGTERM)
    assert heard == list(range(head + 1, head + 13))


def test_no_event_appears_behind_a_reader(database_url: str) -> None:
    """While several processes write, whoever follows the log sees every number, in order."""
    racers_count, events_each = 2, 30
    with embedded(database_url) as registry:
        registry.create_model("churn")
        head = registry.read_events().position
        stream = registry.events(after=head)
        racers = [
            Racer(database_url, "register", model="churn", count=events_each)
            for _ in range(racers_count)
        ]
        for racer in racers:
            racer.wait_ready()
        for racer in racers:
            racer.start()
        heard = [event.seq for event in islice(stream, racers_count * events_each)]
        for racer in racers:
            racer.finish()
    assert all(later == earlier + 1 for earlier, later in pairwise([head, *heard]))


def test_streams_have_places() -> None:
    """A place is given back whatever happens to the stream."""
    from lockgate.http.streams import Streams
    from lockgate.storage.bell import Bell

    async def take() -> None:
        streams, bell = Streams(1, 0.1), Bell()
        wake = asyncio.Event()
        with streams.place(bell, wake):
            with pytest.raises(Unavailable), streams.place(bell, asyncio.Event()):
                raise AssertionError("there was no place")
            bell.ring()
            await asyncio.wait_for(wake.wait(), 10)
        assert len(streams) == 0

    asyncio.run(take())


def test_a_stream_is_read_line_by_line() -> None:
    """Comments and what has no id are passed over."""
    lines = ["retry: 1\n", ": alive\n", "id: 4\n", "\n", ": alive\n", "\n"]
    assert [tuple(heard) for heard in read_stream(lines)] == [("4", None), ("4", None)]
