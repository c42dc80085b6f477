"""The reads that programs ask all day, answered on the event loop.

    GET /api/v1/projects/{project}/models/{model}
    GET /api/v1/projects/{project}/models/{model}/versions/{version}
    GET /api/v1/projects/{project}/models/{model}/latest[?stage=]
    GET /api/v1/projects/{project}/models/{model}/production
    GET /api/v1/projects/{project}/models/{model}/versions/{version}/gate[?to=]
    GET /api/v1/resolve?ref=

On SQLite such a read takes microseconds, less than handing it to a thread and back, and much less
than FastAPI's way to a function. Whatever is not exactly one of these (a question about the past,
a word that is not known) goes on to the routes of the same paths, which answer the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from lockgate.http.auth import registry_for
from lockgate.http.conditions import unchanged
from lockgate.http.representations import KeptVersions, Representation, represent, represent_model
from lockgate.registry import Registry

_PREFIX = "/api/v1/"
_FIXED = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache")]
WORDS_MAX = 10
Ask = Callable[[Registry, KeptVersions], Representation]


class HotReads:
    """Middleware that answers the hot reads itself and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            ask = _hot(scope["path"], scope["query_string"])
            if ask is not None:
                found = ask(registry_for(scope), scope["app"].state.kept)
                await _answer(found, scope, send)
                return
        await self._app(scope, receive, send)


def _hot(path: str, query: bytes) -> Ask | None:
    """Return how to answer a path, or None when it is not hot."""
    if not path.startswith(_PREFIX):
        return None
    parts = path.split("/")
    if len(parts) == 4 and parts[3] == "resolve":
        return _resolve(query)
    if len(parts) < 7 or parts[3] != "projects" or parts[5] != "models":
        return None
    name = f"{parts[4]}/{parts[6]}"
    if len(parts) == 8 and parts[7] == "latest":
        return _latest(name, query)
    if len(parts) == 10 and parts[7] == "versions" and parts[8] and parts[9] == "gate":
        return _gate(name, parts[8], query)
    if query:
        return None
    if len(parts) == 7:
        return lambda registry, _: represent_model(registry.get_model(name))
    if len(parts) == 8 and parts[7] == "production":
        return lambda registry, kept: kept.represent(registry.production(name))
    if len(parts) == 9 and parts[7] == "versions" and parts[8]:
        return lambda registry, kept: kept.represent(registry.get_version(name, parts[8]))
    return None


def _resolve(query: bytes) -> Ask | None:
    words = _words(query)
    if len(words) != 1 or words[0][0] != "ref":
        return None
    reference = words[0][1]
    return lambda registry, kept: kept.represent(registry.resolve(reference))


def _latest(name: str, query: bytes) -> Ask | None:
    words = _words(query)
    if len(words) > 1 or (words and words[0][0] != "stage"):
        return None
    stage = words[0][1] if words else None
    return lambda registry, kept: kept.represent(registry.get_latest(name, stage))


def _gate(name: str, version: str, query: bytes) -> Ask | None:
    words = _words(query)
    if len(words) > 1 or (words and words[0][0] != "to"):
        return None
    to = words[0][1] if words else None
    return lambda registry, _: represent(registry.explain(name, version, to))


def _words(query: bytes) -> list[tuple[str, str]]:
    if not query:
        return []
    if query.count(b"&") >= WORDS_MAX:
        return [("", "")]  # no word that is hot: the routes say what is wrong
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


async def _answer(found: Representation, scope: Scope, send: Send) -> None:
    etag, status, body = found.etag or "", 200, found.body
    if etag:
        headers: list[Any] = [*_FIXED, (b"etag", etag.encode())]
    else:
        headers = [_FIXED[0], (b"cache-control", b"no-store")]
    for name, value in scope["headers"] if etag else ():
        if name == b"if-none-match" and unchanged(value.decode("latin-1"), etag):
            status, body = 304, b""
            headers = headers[1:]
    if body:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
