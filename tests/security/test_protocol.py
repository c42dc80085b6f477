"""Protocol and load (lines 40 to 49): what is ambiguous is refused, what is too much has an end."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from attacked import CHURN, FIRST, JSON, V1, Target, a_target, peak_bytes, read_answer, together
from lockgate.http.connections import ConnectionLimits

QUICK = ConnectionLimits(connections_max=40, head_s=0.5, stall_s=0.5)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that waits for nobody for long."""
    with a_target(
        tmp_path_factory.mktemp("impatient"), QUICK, silence_s=0.5, body_bytes_max=50_000_000
    ) as made:
        yield made


POST = b"POST /api/v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
FRAMINGS = {
    "both lengths": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both, other order": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "one length twice": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": b"Content-Length: 2, 2\r\n\r\n{}",
    "a negative length": b"Content-Length: -2\r\n\r\n{}",
    "a length with a plus": b"Content-Length: +2\r\n\r\n{}",
    "a hex length": b"Content-Length: 0x2\r\n\r\n{}",
    "a length of 400 digits": b"Content-Length: " + b"9" * 400 + b"\r\n\r\n",
    "a chunk that is no number": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a chunk too large for 64 bits": b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n{}",
    "a negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding in disguise": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"Host: evil.example\r\nContent-Length: 2\r\n\r\n{}",
    "a folded header": b"X-A: 1\r\n folded\r\nContent-Length: 2\r\n\r\n{}",
    "a space before the colon": b"Content-Length : 2\r\n\r\n{}",
    "a bare line feed": b"X-A: 1\nContent-Length: 2\r\n\r\n{}",
    "NUL in a header": b"X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "two actors": b"X-Lockgate-Actor: a\r\nX-Lockgate-Actor: b\r\nContent-Length: 2\r\n\r\n{}",
    "two content types": b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_40_framing(target: Target, framing: str) -> None:
    """Line 40: a request that two parsers would end in two places is refused, and hung up on."""
    with target.unharmed():
        answer = target.raw(POST + FRAMINGS[framing], close=True)
        assert answer.status == 400


REQUEST_LINES = {
    b"GET / HTTP/9.9": 400,
    b"GET / http/1.1": 400,
    b"G\x00T / HTTP/1.1": 400,
    b"\x16\x03": 400,
    b"GET /\xff HTTP/1.1": 400,
    b"GET / HTTP/1.1 x": 400,
    b"FOO / HTTP/1.1": 400,
    b"PRI * HTTP/2.0": 400,
    b"GET": 400,
    b"CONNECT 169.254.169.254:80 HTTP/1.1": 400,
    b"GET http://169.254.169.254/ HTTP/1.1": 307,
    b"GET *": 404,
    b"OPTIONS * HTTP/1.1": 404,
}


@pytest.mark.parametrize("line", REQUEST_LINES)
def test_40_request_lines(target: Target, line: bytes) -> None:
    """Line 40: what is no request line is 400; what asks for another server gets nothing of it."""
    with target.unharmed():
        answer = target.raw(line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", close=True)
        assert answer.status == REQUEST_LINES[line]


def test_40_a_smuggled_request(target: Target) -> None:
    """Line 40: what follows an ambiguous request on its connection is never carried out."""
    inner = b"DELETE /api/v1/projects/default/models/notes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with target.unharmed():
        for framing in (FRAMINGS["both lengths"], FRAMINGS["two lengths"]):
            target.raw(POST + framing + inner, close=True)
        assert target.http.get(f"{V1}/projects/default/models/notes").status_code == 200


# --- slow ------------------------------------------------------------------------------------


def dribble(target: Target, start: bytes, piece: bytes) -> int:
    """Send something, then a little more again and again; return the status that ends it."""
    with socket.create_connection(target.address, timeout=20) as connection:
        connection.sendall(start)
        connection.settimeout(0.1)
        for _ in range(100):
            try:
                connection.sendall(piece)
                found = connection.recv(1_000)
            except TimeoutError:
                continue
            except OSError:
                return 0
            return int(found.split(b" ")[1]) if found else 0
    raise AssertionError("the server waited for ten seconds")


@pytest.mark.parametrize(
    "start", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", POST], ids=["nothing", "GET", "POST"]
)
@pytest.mark.parametrize("piece", [b"", b"X-A: 1\r\n"], ids=["silent", "dribbling"])
def test_41_slow_headers(impatient: Target, start: bytes, piece: bytes) -> None:
    """Line 41: a request whose head does not come, or comes forever, ends; others are served."""
    with impatient.unharmed():
        found = dribble(impatient, start, piece if start else b"")
    # What we go on sending may reach a connection that was hung up on; the system then resets it,
    # and may drop the answer before we read it.
    assert found in ((408, 0) if start and piece else (408,))


@pytest.mark.parametrize("length", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_41_short_body(impatient: Target, length: bytes) -> None:
    """Line 41: a body that stands still is 408."""
    with impatient.unharmed():
        assert dribble(impatient, POST + length + b"\r\n\r\n", b"") == 408


def test_41_a_body_that_ends_early(target: Target) -> None:
    """Line 41: a client that hangs up within its body leaves nothing behind."""
    with target.unharmed():
        target.raw(POST + b'Content-Length: 1000\r\n\r\n{"name": "half"}', close=True)
        assert target.http.get(f"{V1}/projects/half").status_code == 404


def test_41_many_slow_clients(impatient: Target) -> None:
    """Line 41: with every connection taken the next is told so, and soon there is room again."""
    with impatient.unharmed():
        held = [socket.create_connection(impatient.address, timeout=20) for _ in range(60)]
        try:
            told = {read_answer(connection).told for connection in held}
            # How many came before there was room again is a matter of pace.
            assert told == {(408, "too_slow"), (503, "http_503")}
        finally:
            for connection in held:
                connection.close()


def test_41_a_client_that_does_not_read(impatient: Target, tmp_path: Path) -> None:
    """Line 41: who asks for much and reads nothing is cut off, and holds no turn of others."""
    out = tmp_path / "large"
    out.mkdir()
    (out / "zeros.bin").write_bytes(bytes(range(256)) * 100_000)
    impatient.registry.push(out, "large", "1")
    request = b"GET /api/v1/projects/default/models/large/versions/1/files/zeros.bin HTTP/1.1\r\n"
    with impatient.unharmed():
        held = []
        for _ in range(12):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(impatient.address)
            connection.sendall(request + b"Host: 127.0.0.1\r\n\r\n")
            held.append(connection)
        whole = httpx.get(f"{impatient.url}{FIRST}/files/config.json", trust_env=False, timeout=20)
        assert whole.status_code == 200
        for connection in held:
            connection.close()


# --- ranges ----------------------------------------------------------------------------------

# Outside of the file: 416. What is no range, or more than one, is not looked at: the whole file.
RANGES = {
    "bytes=5-2": 416, "bytes=-0": 416, "bytes=99999999-": 416,
    "bytes=0-99999999999999999999999": 200,
    "bytes=" + ",".join(f"{n}-{n}" for n in range(900)): 200, "bytes=" + "0-,-" * 900: 200,
    "bytes=" + "9" * 4_000: 200, "bytes=" + "0-1," * 7_500: 200,
    "bytes=a-b": 200, "bytes=--1": 200, "items=0-1": 200, "bytes 0-1": 200,
    "bytes=0-1;x": 200, "bytes=": 200, "bytes=-": 200, "bytes=٣-٤": 200,
    "bytes=0-1": 206, "bytes=0-0,1-1": 200,
}  # fmt: skip


@pytest.mark.parametrize("asked", RANGES)
def test_42_ranges(target: Target, asked: str) -> None:
    """Line 42: one range is served or refused; anything else is the whole file, at no more cost."""
    with target.unharmed():
        answer = target.http.get(
            f"{FIRST}/files/config.json", headers={"Range": asked.encode("utf-8")}
        )
        assert answer.status_code == RANGES[asked]
        assert len(answer.content) < 2_000


# --- bodies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [f"{V1}/projects", f"{V1}/artifacts/blobs", f"{V1}/artifacts/manifests"]
)
def test_43_multipart(target: Target, path: str) -> None:
    """Line 43: no route takes forms; a flood of parts is refused by its type, unread."""
    parts = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 20_000
    with target.unharmed():
        answer = target.http.post(
            path, content=parts, headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


DEEP = 100_000
BODIES: dict[str, bytes] = {
    "a key twice": b'{"name": "x1", "name": "x2"}',
    "NaN": b'{"name": "x", "description": NaN}',
    "infinity": b'{"name": "x", "description": -Infinity}',
    "lists in lists": b"[" * DEEP + b"]" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists without an end": b"[" * DEEP,
    "a long integer": b'{"name": ' + b"9" * 5_000 + b"}",
    "a long exponent": b'{"name": 1e' + b"9" * 5_000 + b"}",
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a NUL": b'{"name": "a\\u0000b"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "no UTF-8": b'{"name": "\xff"}',
    "an unknown field": b'{"name": "x", "is_admin": true}',
    "two values": b"{} {}",
    "nothing": b"",
    "a number": b"1",
    "a name that is a number": b'{"name": 5}',
    "a very long key": b'{"' + b"a" * 1_000_000 + b'": 1}',
    "a million keys": b"{" + b",".join(b'"%d":1' % n for n in range(300_000)) + b"}",
}


@pytest.mark.parametrize("what", BODIES)
def test_44_json(target: Target, what: str) -> None:
    """Line 44: JSON that means two things to two readers, or is deep or long, is 400 (or 413)."""
    before = peak_bytes()
    with target.unharmed():
        for path in (f"{V1}/projects", f"{CHURN}/versions", f"{FIRST}/metrics", f"{V1}/lifecycles"):
            answer = target.http.post(path, content=BODIES[what], headers=JSON)
            # A lifecycle has a limit of its own, which is looked at before its words.
            large = path.endswith("/lifecycles") and len(BODIES[what]) > 500_000
            assert answer.status_code == (413 if large else 400), (path, answer.text[:300])
            assert len(answer.content) < 60_000
    assert peak_bytes() - before < 400_000_000


@pytest.mark.parametrize(
    "value", ["1e400", "9" * 400, "-0.0e0x", '"1"', "[1]", "null1", "0x1", "1_0"]
)
def test_44_numbers(target: Target, value: str) -> None:
    """Line 44: a metric is a finite number, exact or refused."""
    with target.unharmed():
        body = f'{{"metrics": {{"auc": {value}}}}}'.encode()
        answer = target.http.post(f"{FIRST}/metrics", content=body, headers=JSON)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "x"]
)
def test_45_content_encoding(target: Target, encoding: str) -> None:
    """Line 45: no body is unpacked."""
    body = gzip.compress(b'{"name": "' + b"x" * 1_000_000 + b'"}')
    with target.unharmed():
        answer = target.http.post(
            f"{V1}/projects", content=body, headers={**JSON, "Content-Encoding": encoding}
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")


@pytest.mark.parametrize("limit", [str(2**63), "-1", "0", "1e3", "9" * 4_000, "NaN", "٣", "1001"])
def test_46_page_sizes(target: Target, limit: str) -> None:
    """Line 46: a page has from 1 to so many items."""
    with target.unharmed():
        for path in ("/models", "/search/versions", "/audit", "/requests"):
            answer = target.http.get(f"{V1}{path}", params={"limit": limit})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


# Long enough for the URL to be too long: 414. What the grammar does not know is 400.
FILTERS = [
    ("name LIKE '" + "%a" * 2_500 + "b'", 414), ("name ILIKE '" + "_%" * 2_500 + "'", 414),
    ("name = '" + "a" * 7_000 + "'", 200), (" AND ".join(["name = 'a'"] * 400), 414),
    (" " * 7_000, 200), ("name IN (" + ",".join(["'a'"] * 1_500) + ")", 414),
    ("(" * 3_000 + ")" * 3_000, 414), ("'" * 7_001, 414),
    ("metrics." + "a" * 7_000 + " > 1", 400), ("name RLIKE '(a+)+$'", 400),
    ("name ~ '(a|a)*b'", 400), ("name LIKE '" + "%a" * 900 + "b'", 400), ("(" * 1_000, 400),
]  # fmt: skip


@pytest.mark.parametrize(("filter_", "status"), FILTERS)
def test_46_filters_that_blow_up(target: Target, filter_: str, status: int) -> None:
    """Line 46: a search is bounded in length and depth, and takes no regular expression."""
    with target.unharmed():
        answer = target.http.get(f"{V1}/search/models", params={"filter": filter_})
        assert answer.status_code == status


def test_47_long_urls_and_headers(target: Target) -> None:
    """Line 47: 70 kB of URL, ten thousand headers, one very long header: 414 and 431."""
    with target.unharmed():
        assert target.ask("/" + "a" * 70_000).status == 414
        assert target.ask("/?" + "a" * 20_000).status == 414
        many = [f"X-{n}: 1" for n in range(10_000)]
        assert target.ask("/", "GET", *many).status == 431
        assert target.ask("/", "GET", *many[:200]).status == 431
        assert target.ask("/", "GET", "X-A: " + "a" * 40_000).status == 431
        assert target.ask("/", "GET", "X-A: " + "a" * 5_000_000).status == 431


@pytest.mark.parametrize(
    "path", ["/resolve", "/models", "/audit", "/projects/default/models/churn"]
)
@pytest.mark.parametrize(
    "query", ["at=" + "&at=" * 20, "&" * 5_000, "a&" * 3_000, "ref=&" * 12, "=" * 99]
)
def test_47_queries_of_many_words(target: Target, path: str, query: str) -> None:
    """Line 47: a query with too many words, or the same one again, is refused on every route."""
    # Marks with nothing between are no words.
    no_words = "&&" in query and path != "/resolve"
    with target.unharmed():
        answer = target.ask(f"{V1}{path}?{query}")
        assert answer.told == ((200, "") if no_words else (400, "invalid_input"))


def test_47_headers_without_end(target: Target) -> None:
    """Line 47: headers that never end are cut off, with memory flat."""
    before = peak_bytes()
    with target.unharmed():
        answer = target.raw(b"GET / HTTP/1.1\r\n", *[b"X-A: " + b"a" * 60_000 + b"\r\n"] * 500)
        assert answer.status == 431
    assert peak_bytes() - before < 50_000_000


def test_a_crowd_of_attackers(target: Target) -> None:
    """All at once: nobody keeps the others from being answered."""
    statuses: list[int] = []

    def once(work: Callable[[], int]) -> Callable[[], None]:
        return lambda: statuses.append(work())

    with target.unharmed():
        together(
            *[once(lambda: target.raw(POST + FRAMINGS["two lengths"]).status)] * 10,
            *[once(lambda: target.http.get(FIRST).status_code)] * 10,
            *[
                once(
                    lambda: (
                        target.http.post(
                            f"{V1}/projects", content=BODIES["lists in lists"], headers=JSON
                        ).status_code
                    )
                )
            ]
            * 5,
        )
    assert sorted(set(statuses)) == [200, 400]
    assert json.loads(target.http.get("/healthz").content) == {"status": "ok"}
