"""The ASGI application: middleware, routes and handlers put together, read from top to bottom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from lockgate.coordination.backend import RegistryBackend
from lockgate.errors import RegistryError
from lockgate.http import (
    access,
    aliases,
    artifacts,
    audit,
    bundles,
    cache,
    deployments,
    events,
    gates,
    health,
    identities,
    lifecycles,
    lineage,
    lookups,
    metrics,
    models,
    monitors,
    passages,
    policies,
    projects,
    splits,
    versions,
    web,
    webhooks,
)
from lockgate.http.auth import Authenticated
from lockgate.http.calls import THREADS_MAX
from lockgate.http.documentation import ROUTES, openapi_of
from lockgate.http.gate import Gate, GateLimits, hosts_of
from lockgate.http.hot import HotReads
from lockgate.http.hot_writes import HotWrites
from lockgate.http.prefixes import Prefixes
from lockgate.http.problems import on_http_exception, on_registry_error, on_validation_error
from lockgate.http.proxies import Proxied
from lockgate.http.representations import KeptVersions
from lockgate.http.streams import Streams
from lockgate.http.threads import Threads
from lockgate.http.throttling import Limits, Throttles
from lockgate.http.transfers import Transfers
from lockgate.http.voices import Voices
from lockgate.registry import Registry

NOUNS = (
    health,
    projects,
    models,
    versions,
    passages,
    aliases,
    lookups,
    policies,
    gates,
    lifecycles,
    artifacts,
    audit,
    events,
    webhooks,
    deployments,
    lineage,
    bundles,
    splits,
    monitors,
    cache,
    metrics,
    access,
    identities,
)
DESCRIPTION = """Lockgate, a model registry whose gates hold.

Every error is `application/problem+json`. Writes take an `Idempotency-Key`; versions and models
have an `ETag`. Lists are pages: pass `next_cursor` back as `cursor`.
"""


class HttpSettings(Limits, Protocol):
    """What the application needs to be told; `lockgate.settings.Settings` has it."""

    @property
    def database(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def allowed_hosts(self) -> str: ...
    @property
    def body_bytes_max(self) -> int: ...
    @property
    def silence_s(self) -> float: ...
    @property
    def trusted_proxies(self) -> str: ...
    @property
    def settle_s(self) -> float: ...
    @property
    def cache_root(self) -> str: ...
    @property
    def event_streams_max(self) -> int: ...
    @property
    def events_poll_s(self) -> float: ...


class Worker(Protocol):
    """Something that works beside the requests for as long as the server runs."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Dialect(Protocol):
    """Routes in words that are not ours; see `lockgate.dialects`."""

    @property
    def routes(self) -> Sequence[BaseRoute]: ...


def build_app(
    registry: Registry,
    settings: HttpSettings,
    *,
    allowed_hosts: str | Iterable[str] | None = None,
    coordination: RegistryBackend | None = None,
    dialects: Iterable[Dialect] = (),
    workers: Sequence[Worker] = (),
    throttles: Throttles | None = None,
) -> FastAPI:
    """Return the application on ``registry``, which it closes when the server stops.

    ``allowed_hosts`` are further names for the ``Host`` header, the setting's unless given.
    ``coordination`` is what the cache's routes work on, closed with the registry. ``dialects``
    are answered beside our own routes, which come first but for what a dialect calls ``first``.
    ``workers`` run as long as the server. ``throttles`` slow callers as the settings say.
    """
    app = FastAPI(
        title="Lockgate",
        version=version("lockgate"),
        description=DESCRIPTION,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        # Asking for a telemetry provider on every request costs more than the hot reads do.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.registry = registry
    app.state.kept = KeptVersions()
    app.state.pool = Threads(THREADS_MAX, "lockgate")
    app.state.transfers = Transfers()
    app.state.throttles = throttles or Throttles(settings)
    app.state.reads_at_once = settings.database.startswith(("sqlite:", "memory:"))
    app.state.streams = Streams(settings.event_streams_max, settings.events_poll_s)
    app.state.workers = workers
    app.state.settle_s = settings.settle_s
    app.state.coordination = cache.Desk(coordination)
    requests = metrics.Requests()
    app.state.metrics = metrics.Metrics(requests, app.state.coordination, settings.cache_root)
    asked = list(dialects)
    _add_routes(app, asked)
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]
    app.add_exception_handler(RegistryError, on_registry_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    # The last that is added is the first that a request meets.
    app.add_middleware(HotWrites)
    if app.state.reads_at_once:
        app.add_middleware(HotReads)
    owners = _merged(asked, "PREFIXES")
    if owners:
        app.add_middleware(Prefixes, owners=owners)
    app.add_middleware(Authenticated, throttles=app.state.throttles)
    named = settings.allowed_hosts if allowed_hosts is None else allowed_hosts
    hosts = hosts_of(settings.host, named)
    limits = GateLimits(
        body_bytes_max=settings.body_bytes_max,
        hosts=hosts,
        uploads=_merged(asked, "UPLOADS"),
        encodings=_merged(asked, "ENCODINGS"),
        silence_s=settings.silence_s,
    )
    app.add_middleware(Gate, limits=limits)
    voices = _merged(asked, "VOICES")
    if voices:
        app.add_middleware(Voices, voices=voices)
    app.add_middleware(metrics.Measured, requests=requests)
    if settings.trusted_proxies:
        app.add_middleware(Proxied, trusted=settings.trusted_proxies)
    return app


def _add_routes(app: FastAPI, dialects: Sequence[Dialect]) -> None:
    for dialect in dialects:
        app.router.routes.extend(getattr(dialect, "first", ()))
    for noun in NOUNS:
        app.router.routes.extend(noun.routes.routes)
    app.router.routes.extend(ROUTES)
    app.router.routes.extend(web.ROUTES)
    for dialect in dialects:
        app.router.routes.extend(dialect.routes)


def _merged(dialects: Iterable[Dialect], name: str) -> dict[str, Any]:
    """Return what the dialects that have it say by path prefix."""
    return {key: value for each in dialects for key, value in getattr(each, name, {}).items()}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settling = asyncio.create_task(_settle(app))
    for worker in app.state.workers:
        worker.start()
    yield
    settling.cancel()
    for worker in app.state.workers:
        await asyncio.to_thread(worker.stop)
    app.state.transfers.close()
    app.state.pool.shutdown(wait=True)
    app.state.coordination.close()
    app.state.registry.close()


async def _settle(app: FastAPI) -> None:
    """Now and then, carry out the promotion requests that only time kept waiting."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(app.state.settle_s)
        try:
            await loop.run_in_executor(app.state.pool, app.state.registry.settle_requests)
        except RegistryError as error:
            import structlog  # see `problems.bug`

            # The database is away: requests are answered with that, and the next round asks again.
            structlog.get_logger().warning("requests not settled", error=str(error))
