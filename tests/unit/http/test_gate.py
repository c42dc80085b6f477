"""The gate lets in what it should."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from lockgate.http.gate import ANY_HOST, LOOPBACK, Gate, GateLimits, hosts_of

LIMITS = GateLimits(body_bytes_max=10, hosts=frozenset(LOOPBACK))


def ask(
    headers: list[tuple[bytes, bytes]] | None = None,
    *,
    path: bytes = b"/",
    query: bytes = b"",
    body: list[bytes] | None = None,
    fail: Exception | None = None,
) -> tuple[int, dict[str, str], Any]:
    """Send a request through the gate to an application that reads the body and says ok."""
    chunks = list(body or [])
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if fail is not None:
            raise fail
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'"ok"'})

    async def receive() -> dict[str, Any]:
        chunk = chunks.pop(0) if chunks else b""
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": [(b"host", b"localhost:8000")] if headers is None else headers,
    }
    asyncio.run(Gate(app, LIMITS)(scope, receive, send))
    answer = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answer, json.loads(sent[1]["body"])


HOST = (b"host", b"127.0.0.1")


def test_every_answer_has_a_request_id() -> None:
    """A new one, or the caller's if it is a plain word."""
    assert len(ask()[1]["x-request-id"]) == 16
    assert ask([HOST, (b"x-request-id", b"trace-1")])[1]["x-request-id"] == "trace-1"
    assert ask([HOST, (b"x-request-id", b"no word")])[1]["x-request-id"] != "no word"


@pytest.mark.parametrize(
    "host", [b"evil.example", b"localhost.evil.example", b"", b"127.0.0.1.evil:80", b"localhost:x"]
)
def test_a_foreign_host_is_refused(host: bytes) -> None:
    """On loopback the server answers to its own names only."""
    status, _, problem = ask([(b"host", host)])
    assert (status, problem["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:1", b"127.0.0.1:8000", b"[::1]:8000"])
def test_its_own_names_are_accepted(host: bytes) -> None:
    """In any case and with any port."""
    assert ask([(b"host", host)])[0] == 200


def test_hosts_are_settings() -> None:
    """Elsewhere than on loopback any name will do, unless some are set."""
    assert hosts_of("0.0.0.0", "") == {ANY_HOST}  # noqa: S104
    assert hosts_of("127.0.0.1", "") == frozenset(LOOPBACK)
    assert hosts_of("::1", "Models.example, b.example") == {
        *LOOPBACK,
        "models.example",
        "b.example",
    }


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"path": b"/" + b"a" * 8_192}, 414, "uri_too_long"),
        ({"query": b"a" * 9_000}, 414, "uri_too_long"),
        ({"headers": [HOST] + [(b"x", b"y")] * 100}, 431, "headers_too_large"),
        ({"headers": [HOST, (b"content-length", b"11")]}, 413, "limit_exceeded"),
        ({"headers": [HOST, (b"content-length", b"-1")]}, 400, "bad_request"),
        (
            {"headers": [HOST, (b"content-length", b"1"), (b"transfer-encoding", b"chunked")]},
            400,
            "bad_request",
        ),
        (
            {"headers": [HOST, (b"transfer-encoding", b"chunked")], "body": [b"123456"] * 2},
            413,
            "limit_exceeded",
        ),
        (
            {"headers": [HOST, (b"content-length", b"1")], "body": [b"x" * 11]},
            413,
            "limit_exceeded",
        ),
        ({"path": b"/api/v1/a%2Fb"}, 400, "invalid_input"),
        ({"path": b"/a%00b"}, 400, "invalid_input"),
        ({"path": b"/a%ff"}, 400, "invalid_input"),
        ({"query": b"a=%00"}, 400, "invalid_input"),
        ({"query": b"a=%ed%a0%80"}, 400, "invalid_input"),
    ],
)
def test_what_is_too_much_or_ambiguous_is_refused(
    given: dict[str, Any], status: int, code: str
) -> None:
    """Long URLs, many headers, large bodies however announced, slashes and NUL in names."""
    found, headers, problem = ask(**given)
    assert (found, problem["code"], problem["status"]) == (status, code, status)
    assert headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == headers["x-request-id"]


def test_dialects_may_have_slashes_in_names() -> None:
    """Outside of our own paths %2F is for others to read."""
    assert ask(path=b"/hf/api/models/org%2Fname")[0] == 200


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ([HOST], True),
        ([HOST, (b"origin", b"http://127.0.0.1")], True),
        ([HOST, (b"origin", b"http://evil.example")], False),
        ([HOST, (b"origin", b"null")], False),
        ([HOST, HOST], False),
        ([(b"host", b"evil.example")], False),
    ],
)
def test_a_websocket_comes_from_our_own_pages(
    headers: list[tuple[bytes, bytes]], let_in: bool
) -> None:
    """A handshake from another origin, or to another host, is closed before it is looked at."""
    reached: list[bool] = []
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(True)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": headers}
    asyncio.run(Gate(app, LIMITS)(scope, send, send))
    assert bool(reached) is let_in
    assert sent == ([] if let_in else [{"type": "websocket.close", "code": 1008}])


def test_a_fault_of_ours_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The caller gets a request id, the log the rest."""
    status, headers, problem = ask(fail=ValueError("secret"))
    assert (status, problem["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(problem)
    logged = capsys.readouterr().out
    assert "secret" in logged
    assert headers["x-request-id"] in logged


@pytest.mark.parametrize(
    "lost",
    [
        RuntimeError("unable to perform operation on <TCPTransport>; the handler is closed"),
        ConnectionResetError("gone"),
    ],
)
def test_a_client_that_left_is_no_fault(
    lost: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is logged when there is nobody to answer to."""
    answer_to_nobody(lost)
    assert capsys.readouterr().out == ""


def test_a_broken_answer_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """What the server under us complains of is logged, without local variables."""
    answer_to_nobody(RuntimeError("Response content longer than Content-Length"))
    logged = capsys.readouterr().out
    assert "longer than Content-Length" in logged
    assert "127.0.0.1" not in logged


def answer_to_nobody(error: Exception) -> None:
    """Let the gate answer where every send fails."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        raise error

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [HOST],
    }
    asyncio.run(Gate(app, LIMITS)(scope, receive, send))
