"""Connections for large bodies: what goes out, what comes back, which of them are used again."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lockgate.sdk.bulk import IDLE_MAX, BulkConnections

# Given a connection that was accepted: do as this server does.
Behaviour = Callable[[socket.socket], None]


def no_authorities() -> ssl.SSLContext:
    raise AssertionError("asked for certificates where there is no TLS")


def read_request(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return head and body of one request; nothing when the client is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(2**16)
        if not piece:
            return b"", b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(dict(_fields(head)).get(b"content-length", b"0"))
    while len(body) < length:
        body += connection.recv(2**20)
    return head, body


def _fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        yield name.lower(), value


def answer(body: bytes, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), more, body)


@contextmanager
def server(behave: Behaviour) -> Iterator[tuple[str, list[socket.socket]]]:
    """A server with a thread for each connection, and the connections it has had."""
    listener = socket.create_server(("127.0.0.1", 0))
    had: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            had.append(connection)
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                behave(connection)
            except OSError:
                return  # the client has seen enough

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/prefix", had
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        listening.join()
        for thread in threads:
            thread.join()


@contextmanager
def bulk(url: str) -> Iterator[BulkConnections]:
    made = BulkConnections(url, no_authorities)
    try:
        yield made
    finally:
        made.close()


def post(made: BulkConnections, body: list[bytes | memoryview]) -> tuple[int, bytes]:
    headers = {"Content-Length": str(sum(map(len, body))), "X-Word": "said"}
    status, content = made.exchange("POST", "/there", body, headers, 20)
    return status, bytes(content)


def echo(connection: socket.socket) -> None:
    """Answer each request with its body."""
    while True:
        head, body = read_request(connection)
        if not head:
            return
        connection.sendall(answer(body))


def test_a_body_of_many_pieces_arrives_as_one() -> None:
    """Small pieces, large ones and empty ones come in their order, and so does the answer."""
    large = os.urandom(3 * 2**20 + 7)
    body = [b"head", memoryview(large), b"", b"a" * 300_000, memoryview(b"tail"), b"b" * 200_000]
    with server(echo) as (url, _), bulk(url) as made:
        assert post(made, body) == (200, b"".join(bytes(piece) for piece in body))


def test_the_request_is_what_was_asked_for() -> None:
    """Method, prefix and path, and the headers that were given stand in the head."""
    heads: list[bytes] = []

    def note(connection: socket.socket) -> None:
        heads.append(read_request(connection)[0])
        connection.sendall(answer(b""))

    with server(note) as (url, _), bulk(url) as made:
        post(made, [b"body"])
    (head,) = heads
    assert head.startswith(b"POST /prefix/there HTTP/1.1\r\n")
    assert dict(_fields(head))[b"x-word"] == b"said"


def test_a_connection_is_used_again() -> None:
    """One exchange after the other takes one connection; closed ones are opened again."""
    with server(echo) as (url, had), bulk(url) as made:
        assert [post(made, [b"%d" % number])[1] for number in range(3)] == [b"0", b"1", b"2"]
        assert len(had) == 1
        made.close()
        assert post(made, [b"again"]) == (200, b"again")
        assert len(had) == 2


def test_a_server_that_closes_is_not_spoken_to_again() -> None:
    """An answer that says the connection ends is whole, and the next exchange has a new one."""

    def once(connection: socket.socket) -> None:
        _, body = read_request(connection)
        connection.sendall(answer(body, b"Connection: close\r\n"))

    with server(once) as (url, had), bulk(url) as made:
        assert [post(made, [b"1"]), post(made, [b"2"])] == [(200, b"1"), (200, b"2")]
        assert len(had) == 2


def test_few_connections_are_kept() -> None:
    """However many exchanges there were at once, no more than so many connections stand idle."""
    together = threading.Barrier(IDLE_MAX + 3)

    def meet(connection: socket.socket) -> None:
        while True:
            head, body = read_request(connection)
            if not head:
                return
            if body == b"meet":
                together.wait(20)
            connection.sendall(answer(body))

    with server(meet) as (url, had), bulk(url) as made:
        threads = [
            threading.Thread(target=post, args=(made, [b"meet"])) for _ in range(IDLE_MAX + 3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(had) == IDLE_MAX + 3
        assert len(made._idle) == IDLE_MAX
        assert post(made, [b"one more"]) == (200, b"one more")
        assert len(had) == IDLE_MAX + 3


def test_an_answer_in_chunks() -> None:
    """An answer whose length is not announced is read to its end."""

    def stream(connection: socket.socket) -> None:
        for _ in range(2):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in (b"a" * 70_000, b"b"):
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.sendall(b"0\r\n\r\n")

    with server(stream) as (url, had), bulk(url) as made:
        assert [post(made, [b"x"]) for _ in range(2)] == [(200, b"a" * 70_000 + b"b")] * 2
        assert len(had) == 1


def test_an_answer_that_breaks_off() -> None:
    """An answer with fewer bytes than it announced is an error, and its connection is not kept."""
    broken = [True, False]

    def break_off(connection: socket.socket) -> None:
        _, body = read_request(connection)
        connection.sendall(answer(body)[: -10 if broken.pop(0) else None])

    with server(break_off) as (url, had), bulk(url) as made:
        with pytest.raises(http.client.IncompleteRead):
            post(made, [b"x" * 100])
        assert post(made, [b"x" * 100]) == (200, b"x" * 100)
        assert len(had) == 2


def test_a_refusal_before_the_body_is_read() -> None:
    """A server that answers and hangs up while the body is still being sent is heard."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(
            b"HTTP/1.1 413 No\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge"
        )

    with server(refuse) as (url, _), bulk(url) as made:
        assert post(made, [bytes(30 * 2**20)]) == (413, b"large")


def test_a_silent_server() -> None:
    """A server that says nothing for longer than it may is an error."""
    over = threading.Event()

    def wait(_connection: socket.socket) -> None:
        over.wait(20)

    with server(wait) as (url, _), bulk(url) as made:
        try:
            with pytest.raises(TimeoutError):
                made.exchange("GET", "/there", [], {}, 0.05)
        finally:
            over.set()


def test_a_server_that_is_not_there() -> None:
    """No server is an error of the operating system."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with bulk(f"http://127.0.0.1:{port}") as made, pytest.raises(ConnectionRefusedError):
        post(made, [b"x"])


@pytest.mark.parametrize(
    ("url", "environment", "trusting", "expected"),
    [
        ("http://models.example", {}, True, True),
        ("http://ana:secret@models.example", {}, True, False),
        ("http://models.example", {"http_proxy": "http://proxy.example"}, True, False),
        ("http://models.example", {"http_proxy": "http://proxy.example"}, False, True),
        ("https://models.example", {"http_proxy": "http://proxy.example"}, True, True),
        ("https://models.example", {"all_proxy": "http://proxy.example"}, True, False),
        (
            "https://models.example",
            {"all_proxy": "http://proxy.example", "no_proxy": "models.example"},
            True,
            True,
        ),
    ],
)
def test_who_is_spoken_to_directly(
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    environment: dict[str, str],
    trusting: bool,
    expected: bool,
) -> None:
    """Passwords in the URL, and proxies that are to be used, are left to the library."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert BulkConnections.carries(url, trust_env=trusting) is expected
