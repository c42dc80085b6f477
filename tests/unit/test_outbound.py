"""Requests on somebody's behalf reach public hosts alone, however they are led."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from lockgate.domain.addresses import AddressRules
from lockgate.outbound import AddressRefused, Patience, open_client

METADATA = "169.254.169.254"


@contextmanager
def answering(*answers: bytes, then: Callable[[socket.socket], None] | None = None) -> Iterator:
    """A server that says these bytes, one answer a connection; yields its port and the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65_536))
                try:
                    connection.sendall(answer)
                    if then:
                        then(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def ok(body: bytes = b"weights") -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def moved(to: str, body: bytes = b"") -> bytes:
    """A redirect."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
)  # fmt: skip
def test_no_spelling_of_loopback_is_reached(host: str) -> None:
    """The server that listens there hears nothing."""
    with answering(ok()) as (port, heard), open_client(AddressRules()) as client:
        with pytest.raises((AddressRefused, httpx.InvalidURL, httpx.ConnectError)):
            client.get(f"http://{host}:{port}/")
        assert heard == []


def test_a_name_with_one_bad_address_is_refused() -> None:
    """One of many addresses is enough, so that no order of answers decides."""
    with (
        open_client(AddressRules(), resolve=lambda _host, _port: ["8.8.8.8", METADATA]) as client,
        pytest.raises(
            AddressRefused, match=r"a\.example is 169\.254\.169\.254, which is link-local"
        ),
    ):
        client.get("http://a.example/")


def test_what_was_judged_is_what_is_reached() -> None:
    """A name server that changes its mind between check and connection is asked only once."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [METADATA]

    rules = AddressRules.parse("127.0.0.0/8")
    with answering(ok()) as (port, heard), open_client(rules, resolve=resolve) as client:
        assert client.get(f"http://models.example:{port}/x").content == b"weights"
    assert asked == ["models.example"]
    assert f"\r\nhost: models.example:{port}\r\n" in heard[0].decode().lower()


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/",
           "//2852039166/", "http://[64:ff9b::a9fe:a9fe]/"]
)  # fmt: skip
def test_redirects_are_judged_too(to: str) -> None:
    """A host that may be reached cannot send us on to one that may not."""
    with (
        answering(moved(to)) as (port, _),
        open_client(AddressRules.parse("127.0.0.1")) as client,
        pytest.raises(AddressRefused),
    ):
        client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "gopher://x/", "unix:/run/docker.sock"])
def test_redirects_stay_on_the_web(to: str) -> None:
    """Other schemes are not followed."""
    with (
        answering(moved(to)) as (port, _),
        open_client(AddressRules.parse("127.0.0.1")) as client,
        pytest.raises((httpx.UnsupportedProtocol, httpx.RemoteProtocolError, httpx.InvalidURL)),
    ):
        client.get(f"http://127.0.0.1:{port}/")


def test_redirects_end() -> None:
    """After a few it is enough, and what comes with one is not read."""
    with (
        answering(*[moved("/again", b"x" * 1000)] * 10) as (port, heard),
        open_client(AddressRules.parse("127.0.0.1")) as client,
        pytest.raises(httpx.TooManyRedirects),
    ):
        client.get(f"http://127.0.0.1:{port}/")
    assert len(heard) == 6


def trickle(connection: socket.socket) -> None:
    """Say one byte now and then, until nobody listens."""
    for _ in range(2_000):
        connection.sendall(b"x")
        threading.Event().wait(0.02)


@pytest.mark.parametrize(
    "patience",
    [
        Patience(silence_s=0.2, wall_s=60),
        Patience(silence_s=60, wall_s=0.4),
        Patience(silence_s=60, wall_s=60, slow_s=0.3, slow_bytes_s=10_000),
    ],
    ids=["silent", "endless", "slow"],
)
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_slow_answers_end(patience: Patience, head: bytes) -> None:
    """Silence, a trickle of headers or of a body: each ends by itself."""
    wait = threading.Event()
    quiet = patience.silence_s < 1
    with (
        answering(head, then=(lambda _c: wait.wait(5) and None) if quiet else trickle) as (port, _),
        open_client(AddressRules.parse("127.0.0.1"), patience=patience) as client,
    ):
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"http://127.0.0.1:{port}/")
        wait.set()


def test_an_unknown_name_is_unreachable() -> None:
    """A name that resolves to nothing is a connection that cannot be made."""

    def resolve(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("no such host")

    with (
        open_client(AddressRules(), resolve=resolve) as client,
        pytest.raises(httpx.ConnectError, match="cannot be resolved"),
    ):
        client.get("http://nowhere.example/")
