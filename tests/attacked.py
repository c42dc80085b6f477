"""A server to attack, and what must be true of it afterwards.

`Target` is a real server on a real socket with a database and a store of its own on disk. Within
`Target.unharmed()` nothing may change, nothing outside its folder may be opened, no other address
may be spoken to, and other clients must be served.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from lockgate.http.app import build_app
from lockgate.http.connections import ConnectionLimits
from lockgate.registry import Registry
from lockgate.settings import Settings
from lockgate.storage.sqlite import sqlite3
from registries import embedded, running

V1 = "/api/v1"
CHURN = f"{V1}/projects/default/models/churn"
FIRST = f"{CHURN}/versions/1.0"
JSON = {"Content-Type": "application/json"}
SOCKET_S = 20
# Where a program itself lies, and what the system shows of it.
_OWN = tuple(
    {
        os.path.realpath(path)
        for path in (
            sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "src", "tests", "/dev",
            f"/proc/{os.getpid()}", "/proc/self", "/proc/meminfo", "/etc/localtime", "/usr/share",
            "/usr/lib", "/etc/ssl", "/etc/mime.types",
        )
    }
)  # fmt: skip
# Made once: every client would read all certificates for its own, though none speaks TLS here.
_TLS = httpx.create_ssl_context()
_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
)
# Other spellings of paths, none of which is a route.
PATHS = [
    "//api/v1/models", "/api//v1/models", "/api/v1//models", "/api/v1/models/",
    "/api/..;/api/v1/models",
    "/api/v1/./models", "/api/v1/../v1/models", "/API/V1/models", "/api/v1/models;x=1",
    "/api/v1/models%20", "/api/v1/models%09", "/api/v1/models.json", "/api/v1/%6d%6fdels%2f",
    "/docs%0a", "/metrics%0a", "/healthz%0d", "/openapi.json%0a", "/static/../openapi.json",
    "/docs/../openapi.json", "/.env", "/.git/config", "/server-status", "/debug", "/admin",
    "/actuator/env", "/api/v2/models", "/docs/..%2fopenapi.json",
]  # fmt: skip


def told_of_path(path: str) -> tuple[int, str]:
    """Return what the gate says of one of `PATHS`, or the router; nobody is asked who they are."""
    unclear = path.endswith(("%09", "%0a", "%0d", "dels%2f"))
    return (400, "invalid_input") if unclear else (404, "unknown_path")


class _Watch:
    """What this process opens and whom it calls, while it is looked at."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.addresses: list[object] = []
        self.looking = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, words: tuple[Any, ...]) -> None:
        if not self.looking:
            return
        if event == "open" and isinstance(words[0], str | bytes):
            path = os.fsdecode(words[0])
            # A relative one is a name below an open folder, unless it climbs.
            if os.path.isabs(path) or ".." in path.split("/"):
                self.files.append(os.path.realpath(path))
        elif event in ("socket.connect", "socket.sendto"):
            self.addresses.append(words[1])
        elif event in (
            "subprocess.Popen",
            "os.system",
            "os.exec",
            "os.posix_spawn",
            "pickle.find_class",
        ):
            self.files.append(f"{event} {words[0]}")


_WATCH: list[_Watch] = []


@dataclass
class Answer:
    """What came back over a bare socket."""

    status: int
    head: str
    body: bytes

    @property
    def told(self) -> tuple[int, str]:
        """The status, and the error's code where there is one."""
        problem = "content-type: application/problem+json" in self.head and self.body
        return self.status, json.loads(self.body)["code"] if problem else ""


@dataclass
class Target:
    """A server to attack."""

    url: str
    folder: Path
    registry: Registry
    http: httpx.Client

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def raw(self, *pieces: bytes, close: bool = False) -> Answer:
        """Send bytes as they are; return the first answer (status 0: it hung up on us)."""
        with socket.create_connection(self.address, timeout=SOCKET_S) as connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    break
            if close:
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection)

    def ask(
        self, target: str | bytes, method: str = "GET", *more: str, body: bytes = b""
    ) -> Answer:
        """Send one request whose target no library has put in order."""
        path = target if isinstance(target, bytes) else target.encode()
        head = [f"Host: {self.url.removeprefix('http://')}", "Connection: close", *more]
        if body:
            head.append(f"Content-Length: {len(body)}")
        text = "".join(f"{line}\r\n" for line in head).encode("latin-1")
        return self.raw(method.encode() + b" " + path + b" HTTP/1.1\r\n" + text + b"\r\n" + body)

    def state(self) -> dict[str, str]:
        """Return a digest of every table and of every file in the store."""
        # One connection for all: each reads the whole schema first.
        with closing(sqlite3.connect(self.folder / "lockgate.db", isolation_level=None)) as bare:
            tables = [name for (name,) in bare.execute(_TABLES).fetchall()]
            found = {
                name: hashlib.sha256(
                    repr(bare.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()).encode()
                ).hexdigest()
                for name in tables
                if name != "pulls"  # who fetched files when: a note that every fetch leaves
            }
        for path in sorted((self.folder / "lockgate.artifacts").rglob("*")):
            if path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    @contextmanager
    def unharmed(self, *more: Path) -> Iterator[None]:
        """Yield while the server is attacked, and see that nothing came of it.

        ``more`` are folders that may be read besides the server's own.
        """
        if not _WATCH:
            _WATCH.append(_Watch())
        watch = _WATCH[0]
        before = self.state()
        watch.files.clear()
        watch.addresses.clear()
        watch.looking = True
        try:
            yield
        finally:
            watch.looking = False
        served = httpx.get(f"{self.url}{FIRST}", trust_env=False, verify=_TLS, timeout=SOCKET_S)
        assert (served.status_code, served.json()["label"]) == (200, "1.0")
        assert before == self.state()
        ours = (*_OWN, *(os.path.realpath(each) for each in (self.folder, *more)))
        assert [path for path in watch.files if not path.startswith(ours)] == []
        assert [each for each in watch.addresses if each != self.address] == []


@contextmanager
def a_target(
    folder: Path, limits: ConnectionLimits | None = None, **words: Any
) -> Iterator[Target]:
    """Run a server that has churn 1.0 with a file, and notes, on a database of its own."""
    url = f"sqlite:///{folder}/lockgate.db"
    registry = embedded(url, cache=str(folder / "cache"))
    model = folder / "out"
    model.mkdir()
    (model / "config.json").write_text('{"layers": 3}')
    (model / "README.md").write_text("# Churn\n\n<script>alert(1)</script>\n")
    (model / "page.html").write_text("<script>alert(1)</script>")
    (model / "drawing.svg").write_text("<svg onload='alert(1)'/>")
    registry.push(model, "churn", "1.0", metrics={"auc": 0.9})
    registry.register_model("notes", "1")
    app = build_app(registry, Settings(database=url, **words))
    with (
        running(app, limits) as base,
        httpx.Client(base_url=base, trust_env=False, timeout=SOCKET_S) as http,
    ):
        http.get("/openapi.json")
        http.get("/docs")
        yield Target(base, folder, registry, http)


@contextmanager
def hostile_server(target: Target, manifest: bytes) -> Iterator[str]:
    """A server that says of churn 1.0 what ours says, but has other files."""
    version = target.http.get(FIRST).json()
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    answers = {
        "GET": {
            "/resolve": json.dumps({**version, "digest": digest}).encode(), "/manifest": manifest
        },
        "POST": {"/urls": b'{"urls": [null]}', "/blobs": b"\0\0\0\1b"},
    }  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            ending = "/" + self.path.partition("?")[0].rpartition("/")[2]
            body = answers[self.command].get(ending, b"[]")
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names that the standard library wants

        def log_message(self, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read_answer(connection: socket.socket) -> Answer:
    """Return the answer on a connection; of one without a length, up to where it ends."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65_536)
            if not piece:
                break
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        while piece := (
            connection.recv(65_536) if length is None or len(body) < int(length[1]) else b""
        ):
            body += piece
    except ConnectionError:
        head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.") else 0
    return Answer(status, head.decode("latin-1").lower(), body)


def told(answer: httpx.Response) -> tuple[int, str]:
    """Return the status of an answer, and the error's code where there is one."""
    problem = answer.headers.get("content-type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if problem and answer.content else ""


def peak_bytes() -> int:
    """Return how much memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def together(*works: Any) -> None:
    """Run several things at once, and wait for all."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
