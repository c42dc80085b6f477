"""``/metrics``: requests by route, and the cluster's cache; `exposition` writes them down.

Requests are counted in a dictionary on the event loop and put into Prometheus's words only when
somebody asks: the hot reads take microseconds, and its own counters would be felt there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.domain.permissions import VIEW_METRICS
from lockgate.http.cache import Desk
from lockgate.http.calls import CallOf
from lockgate.http.routing import MODEL, PREFIX, VERSION, StrictRoute

if TYPE_CHECKING:
    from lockgate.http.exposition import Exposition

__all__ = ["Measured", "Metrics", "Requests", "routes"]

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
# What is answered before routing (`hot`, `hot_writes`): parts of the path, and its telling word.
_HOT = {
    (4, "resolve"): f"{PREFIX}/resolve",
    (7, "models"): PREFIX + MODEL,
    (8, "latest"): f"{PREFIX}{MODEL}/latest",
    (8, "production"): f"{PREFIX}{MODEL}/production",
    (8, "versions"): f"{PREFIX}{MODEL}/versions",
    (9, "versions"): PREFIX + VERSION,
    (10, "gate"): f"{PREFIX}{VERSION}/gate",
    (10, "transitions"): f"{PREFIX}{VERSION}/transitions",
}
_TELLING = {4: 3, 7: 5, 8: 7, 9: 7, 10: 9}

routes = APIRouter(route_class=StrictRoute, include_in_schema=False)


class _Series:
    """The requests of one method, route and status."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0


class Requests:
    """Requests by method, route and status, and how long they took. Written by one event loop."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, int], _Series] = {}

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        method = scope["method"]
        route = scope.get("route")
        path = _hot_route(scope["path"]) if route is None else route.path
        key = (method if method in METHODS else OTHER, path, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series()
        series.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        series.seconds += seconds

    def told(self) -> Iterator[tuple[list[str], list[int], float]]:
        """Yield labels (method, route, status), how many took how long, and the seconds of all."""
        for (method, route, status), series in list(self._series.items()):
            yield [method, route, str(status)], list(series.buckets), series.seconds


class Measured:
    """Middleware that times every request. The outermost, so that it sees what others refuse."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        began_s = perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # 0 is a client that left before it was answered.
            self._requests.note(scope, status, perf_counter() - began_s)


class Metrics:
    """The metrics of a server; ``cache_root`` is the cache folder it sees, if any.

    Prometheus's own library is loaded when it is first asked for them.
    """

    def __init__(self, requests: Requests, desk: Desk, cache_root: str = "") -> None:
        self._shown = (requests, desk, cache_root)

    @cached_property
    def _exposition(self) -> Exposition:
        from lockgate.http.exposition import Exposition

        return Exposition(*self._shown)

    def text(self) -> tuple[bytes, str]:
        """Return all of it as it is now, and the media type of that."""
        return self._exposition.text()


@routes.get("/metrics")
async def metrics(call: CallOf) -> Response:
    """Return the metrics."""
    call.require_everywhere(VIEW_METRICS)
    found: Metrics = call.request.app.state.metrics
    text, kind = await call.run(found.text)
    return Response(text, media_type=kind, headers={"cache-control": "no-store"})


def _hot_route(path: str) -> str:
    parts = path.split("/")
    telling = _TELLING.get(len(parts))
    if telling is None or not path.startswith(PREFIX):
        return OTHER
    return _HOT.get((len(parts), parts[telling]), OTHER)
