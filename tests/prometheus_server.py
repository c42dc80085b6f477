"""A server that answers like Prometheus' HTTP API does to a range query.

After the API's documentation: Unix times or RFC 3339, values as text beside a moment with up to
three decimals, `bad_data` with 400, and at most 11,000 points a series. Its one metric is a
function of time, with the label values that the query's selector asks for.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

POINTS_MAX = 11_000
SELECTOR = re.compile(r'(\w+)\{version="((?:[^"\\]|\\.)*)"\}')
Value = Callable[[str, float], "str | None"]


class PrometheusServer:
    """Runs until its block ends; ``asked`` has the words of each query."""

    def __init__(self, value: Value, series: int = 1) -> None:
        self.value = value
        self.series = series
        self.asked: list[dict[str, str]] = []
        self.broken = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> PrometheusServer:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, words: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON for a question."""
        if path != "/api/v1/query_range":
            return 404, "404 page not found"
        if self.broken:
            return 503, _error("unavailable", "the server is starting")
        found = SELECTOR.fullmatch(words.get("query", ""))
        if found is None:
            return 400, _error("bad_data", "1:1: parse error: unexpected character")
        start, end, step = (float(words[each]) for each in ("start", "end", "step"))
        if end < start:
            return 400, _error("bad_data", 'invalid parameter "end": before start time')
        if (end - start) / step > POINTS_MAX:
            return 400, _error("bad_data", "exceeded maximum resolution of 11,000 points")
        version = json.loads(f'"{found[2]}"')
        result = []
        for pod in range(self.series):
            moments = [start + index * step for index in range(int((end - start) // step) + 1)]
            values = [(at, self.value(version, at)) for at in moments]
            shown = [[at, value] for at, value in values if value is not None]
            labels = {"__name__": found[1], "version": version, "pod": str(pod)}
            result.append({"metric": labels, "values": shown})
        return 200, {"status": "success", "data": {"resultType": "matrix", "result": result}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            """One question."""

            def do_GET(self) -> None:  # the library's name
                parts = urlsplit(self.path)
                words = {key: values[0] for key, values in parse_qs(parts.query).items()}
                server.asked.append(words)
                status, answer = server.answer(parts.path, words)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: Any) -> None:
                """Say nothing."""

        return Handler


def _error(kind: str, sentence: str) -> dict[str, str]:
    return {"status": "error", "errorType": kind, "error": sentence}
