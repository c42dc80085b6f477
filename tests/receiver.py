"""A receiver of webhooks in this process: keeps what it is sent, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)


class Receiver:
    """Listens on the loopback interface for as long as the ``with`` lasts.

    ``answer`` says the status for each request; 200 unless told.
    """

    def __init__(self, answer: Callable[[Received], int] | None = None) -> None:
        self.received: list[Received] = []
        self.answer = answer or (lambda _received: 200)
        self.headers: dict[str, str] = {}
        self.says = b"thank you"
        self.asked = threading.Event()
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def wait(self, count: int, timeout_s: float = 30) -> list[Received]:
        """Return what came once it is at least ``count``."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, timeout_s), (
                f"{len(self.received)} of {count} came"
            )
            return list(self.received)

    def until(self, holds: Callable[[list[Received]], bool], timeout_s: float = 60) -> None:
        """Wait until what came is as it should be."""
        deadline_s = time.monotonic() + timeout_s
        with self._came:
            while not holds(self.received):
                assert time.monotonic() < deadline_s, f"{len(self.received)} came"
                self._came.wait(0.1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                if len(body) < length:
                    self.close_connection = True  # the sender was killed in the middle of it
                    return
                received = Received(headers, body)
                receiver.asked.set()
                status = receiver.answer(received)
                with receiver._came:
                    receiver.received.append(received)
                    receiver._came.notify_all()
                try:
                    self.send_response(status)
                    for name, value in receiver.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(receiver.says)))
                    self.end_headers()
                    self.wfile.write(receiver.says)
                except OSError:
                    self.close_connection = True  # the sender was killed meanwhile

            def log_message(self, *_arguments: object) -> None:
                """Stay silent."""

        return Handler
