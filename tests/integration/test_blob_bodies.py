"""Bodies of blobs, which are received straight into memory: whole, in pieces, broken off."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from attacked import Target, a_target
from lockgate.artifacts.store import blob_digest
from lockgate.wire.frames import MEDIA_TYPE, pack_blobs

LARGE = bytes(range(251)) * 12_000
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """A server that does not wait long for a body."""
    with a_target(tmp_path, silence_s=0.5) as made:
        yield made


def request(*blobs: bytes, more: bytes = b"") -> tuple[bytes, bytes]:
    """Return the head and the body of a request that brings blobs."""
    body = b"".join(bytes(piece) for piece in pack_blobs([(blob_digest(b), b) for b in blobs]))
    head = (
        b"POST /api/v1/artifacts/blobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (MEDIA_TYPE.encode(), len(body), more)
    )
    return head, body


def status_of(connection: socket.socket) -> int:
    """Return the status of the next answer, which has no body; 0 when there is none."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            return 0
        data += piece
    return int(data.split(b" ", 2)[1])


def kept(target: Target, *blobs: bytes) -> bool:
    """Tell whether all of these are in the store."""
    return target.registry.missing([blob_digest(blob) for blob in blobs]) == set()


@pytest.mark.parametrize("first", [0, 1, 70_000])
def test_a_body_in_pieces(target: Target, first: int) -> None:
    """However the bytes come, the blobs are kept, and the connection is good for more."""
    head, body = request(LARGE, b"small")
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(head + body[:first])
        for start in range(first, len(body), 300_001):
            connection.sendall(body[start : start + 300_001])
        assert status_of(connection) == 204
        connection.sendall(HEALTH)
        assert status_of(connection) == 200
    assert kept(target, LARGE, b"small")


def test_what_follows_a_body(target: Target) -> None:
    """Requests that are sent without waiting are each carried out, whole."""
    first, second = request(LARGE), request(LARGE[1:], b"other")
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(b"".join((*first, *second, HEALTH)))
        assert [status_of(connection) for _ in range(3)] == [204, 204, 200]
    assert kept(target, LARGE, LARGE[1:], b"other")


def test_a_client_that_asks_first(target: Target) -> None:
    """Whoever wants to be told that the body is welcome is told so."""
    head, body = request(LARGE, more=b"Expect: 100-continue\r\n")
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(head)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert status_of(connection) == 204
    assert kept(target, LARGE)


@pytest.mark.parametrize("sent", [0, 40, 1_000_000])
def test_a_body_that_stands_still(target: Target, sent: int) -> None:
    """A body that stops coming is 408; the memory that it lay in serves the next one."""
    head, body = request(LARGE)
    assert target.raw(head + body[:sent]).status == 408
    assert not kept(target, LARGE)
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(head + body)
        assert status_of(connection) == 204
    assert kept(target, LARGE)


@pytest.mark.parametrize("sent", [40, 1_000_000])
def test_what_is_left_of_a_body_is_no_request(target: Target, sent: int) -> None:
    """What comes of a body after its answer is never taken for what the client asks next."""
    head, body = request(HEALTH * 50_000)
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(head + body[:sent])
        assert status_of(connection) == 408
        answers = b""
        with contextlib.suppress(ConnectionError):
            connection.sendall(body[sent:])
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answers += piece
        assert b"HTTP/1.1" not in answers


@pytest.mark.parametrize("sent", [0, 1_000_000])
def test_a_client_that_leaves(target: Target, sent: int) -> None:
    """Whoever leaves within the body leaves nothing behind, and nobody else waits for it."""
    head, body = request(LARGE)
    for _ in range(8):
        with socket.create_connection(target.address, timeout=20) as connection:
            connection.sendall(head + body[:sent])
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(b"".join(request(b"small")))
        assert status_of(connection) == 204
    assert kept(target, b"small")
    assert not kept(target, LARGE)
