"""The transport retries what is safe, and raises what the server raised."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lockgate.errors import (
    DatabaseUnavailable,
    InvalidSetting,
    ModelNotFound,
    SchemaOutdated,
    ServerUnreachable,
)
from lockgate.sdk.transport import ATTEMPTS_MAX, Transport, redacted

Answer = tuple[int, bytes] | None
LOST = b'{"code":"database_unavailable","detail":"gone"}'
KEY = {"Idempotency-Key": "k"}


@contextmanager
def server(*answers: Answer) -> Iterator[tuple[str, list[Any]]]:
    """A server that gives these answers in turn (None hangs up), and what it was asked."""
    left = list(answers)
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            answer = left.pop(0)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("content-length", str(len(answer[1])))
            if self.path == "/garbled":
                self.send_header("content-encoding", "gzip")
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST = answer  # noqa: N815 - the names that the standard library wants

        def log_message(self, *args: Any) -> None:
            """Keep quiet."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", asked
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


@contextmanager
def transport(url: str, timeout_s: float = 20.0) -> Iterator[Transport]:
    """A transport that is closed afterwards."""
    made = Transport(url, timeout_s)
    try:
        yield made
    finally:
        made.close()


def read(to: Transport) -> Any:
    """Ask for something."""
    return to.send("GET", "/x", headers={})


def write(to: Transport) -> Any:
    """Change something, once."""
    return to.send("POST", "/x", body=b"{}", headers=KEY)


def write_without_key(to: Transport) -> Any:
    """Change something, however often."""
    return to.send("POST", "/x", body=b"{}", headers={})


@pytest.mark.parametrize("ask", [read, write])
@pytest.mark.parametrize("trouble", [None, (503, LOST), (502, b"<html>")])
def test_what_is_safe_is_sent_again(ask: Callable[[Transport], Any], trouble: Answer) -> None:
    """A read, and a write under a key, survive a lost connection and a lost database."""
    with server(trouble, (200, b"[1]")) as (url, asked), transport(url) as to:
        assert ask(to) == [1]
        assert asked[0] == asked[1]


def test_a_write_without_a_key_is_sent_once() -> None:
    """Nobody knows whether it was carried out."""
    with (
        server(None, (200, b"[1]")) as (url, asked),
        transport(url) as to,
        pytest.raises(ServerUnreachable),
    ):
        write_without_key(to)
    assert len(asked) == 1


def test_retries_end() -> None:
    """After the last attempt the server's own error is raised."""
    with (
        server(*[(503, LOST)] * ATTEMPTS_MAX) as (url, asked),
        transport(url) as to,
        pytest.raises(DatabaseUnavailable, match="gone"),
    ):
        read(to)
    assert len(asked) == ATTEMPTS_MAX


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, b"model_not_found", ModelNotFound), (503, b"schema_outdated", SchemaOutdated)],
)
def test_an_answer_is_an_answer(status: int, code: bytes, kind: type[Exception]) -> None:
    """What waiting does not mend is raised at once."""
    body = b'{"code":"' + code + b'","detail":"no"}'
    with (
        server((status, body)) as (url, asked),
        transport(url) as to,
        pytest.raises(kind, match="no"),
    ):
        read(to)
    assert len(asked) == 1


def test_something_else_that_answers_is_no_registry() -> None:
    """A page of something else is said to be that."""
    with server((404, b'{"error":1}'), (200, b"<html>")) as (url, _), transport(url) as to:
        with pytest.raises(ServerUnreachable, match="it answered 404; is it a Lockgate"):
            read(to)
        with pytest.raises(ServerUnreachable, match="something that is not JSON"):
            write_without_key(to)


def test_nobody_there_is_unreachable() -> None:
    """The error names the URL without what is secret in it."""
    with server() as (url, _):
        pass
    secret = url.replace("http://", "http://ana:hunter2@")
    with transport(secret, timeout_s=0.5) as to, pytest.raises(ServerUnreachable) as caught:
        read(to)
    assert caught.value.fields["url"] == url
    assert "hunter2" not in str(caught.value)


def test_an_answer_that_cannot_be_unpacked() -> None:
    """A body that is not in the encoding it claims is no answer, whatever it was meant to be."""
    with (
        server((200, b"{}")) as (url, asked),
        transport(url) as to,
        pytest.raises(ServerUnreachable),
    ):
        to.send("POST", "/garbled", headers={})
    assert len(asked) == 1


@pytest.mark.parametrize(
    "url",
    ["http://", "ftp://host", "http://host:port", "http://host:0", "http://[::1", "host:8000"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    """At once, not at the first request."""
    with pytest.raises(InvalidSetting):
        Transport(url)


def test_a_url_is_redacted() -> None:
    """Neither credentials nor a query are shown."""
    assert redacted("https://u:p@host:1/prefix?token=t") == "https://host:1/prefix"
    assert redacted("https://u:p/q?r@host/prefix") == "https://host/prefix"
    assert redacted("https://host") == "https://host"


def test_lines_come_as_they_are() -> None:
    """A stream yields lines with their ends, and raises what the server raised."""
    missing = b'{"code":"model_not_found","detail":"no"}'
    with server((200, b"a\nb\n"), (404, missing)) as (url, _), transport(url) as to:
        assert list(to.lines("POST", "/x", [], {})) == ["a\n", "b\n"]
        with pytest.raises(ModelNotFound):
            list(to.lines("POST", "/x", [], {}))
