"""From a path to a call, and from what it returns to an answer.

One table of paths, looked up by a dictionary: MLflow's paths hold no names, save the identifiers
of webhooks. Reads that SQLite answers in microseconds run where they are, as in `http.hot`;
everything else in the server's pool of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lockgate.dialects.mlflow import models, server, versions, webhooks
from lockgate.dialects.mlflow.namespace import Namespace, namespace_of
from lockgate.dialects.mlflow.problems import (
    ENDPOINT_NOT_FOUND,
    MlflowProblem,
    answer_problem,
    problem_of,
)
from lockgate.dialects.mlflow.requests import Given, from_body, from_query
from lockgate.errors import RegistryError
from lockgate.http.threads import Threads

Work = Callable[[Namespace, Given], Any]
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class MlflowCall:
    """What a path does. ``quick``: a read that SQLite answers in microseconds."""

    work: Work
    quick: bool = False
    repeated: frozenset[str] = frozenset()


_R, _V = "registered-models", "model-versions"
_STAGES = frozenset({"stages"})
_ORDER = frozenset({"order_by"})
CALLS: Mapping[tuple[str, str], MlflowCall] = {
    ("POST", f"{_R}/create"): MlflowCall(models.create),
    ("GET", f"{_R}/get"): MlflowCall(models.get, quick=True),
    ("PATCH", f"{_R}/update"): MlflowCall(models.update),
    ("POST", f"{_R}/rename"): MlflowCall(models.rename),
    ("DELETE", f"{_R}/delete"): MlflowCall(models.delete),
    ("GET", f"{_R}/search"): MlflowCall(models.search, repeated=_ORDER),
    ("POST", f"{_R}/search"): MlflowCall(models.search),
    ("POST", f"{_R}/get-latest-versions"): MlflowCall(models.get_latest, quick=True),
    ("GET", f"{_R}/get-latest-versions"): MlflowCall(models.get_latest, True, _STAGES),
    ("POST", f"{_R}/set-tag"): MlflowCall(models.set_tag),
    ("DELETE", f"{_R}/delete-tag"): MlflowCall(models.delete_tag),
    ("POST", f"{_R}/alias"): MlflowCall(models.set_alias),
    ("DELETE", f"{_R}/alias"): MlflowCall(models.delete_alias),
    ("GET", f"{_R}/alias"): MlflowCall(models.get_by_alias, quick=True),
    ("POST", f"{_V}/create"): MlflowCall(versions.create),
    ("GET", f"{_V}/get"): MlflowCall(versions.get, quick=True),
    ("PATCH", f"{_V}/update"): MlflowCall(versions.update),
    ("DELETE", f"{_V}/delete"): MlflowCall(versions.delete),
    ("POST", f"{_V}/transition-stage"): MlflowCall(versions.transition),
    ("GET", f"{_V}/get-download-uri"): MlflowCall(versions.get_download_uri, quick=True),
    ("GET", f"{_V}/search"): MlflowCall(versions.search, repeated=_ORDER),
    ("POST", f"{_V}/search"): MlflowCall(versions.search),
    ("POST", f"{_V}/set-tag"): MlflowCall(versions.set_tag),
    ("DELETE", f"{_V}/delete-tag"): MlflowCall(versions.delete_tag),
    ("POST", "webhooks"): MlflowCall(webhooks.create),
    ("GET", "webhooks"): MlflowCall(webhooks.list_),
    ("GET", "webhooks/{webhook_id}"): MlflowCall(webhooks.get),
    ("PATCH", "webhooks/{webhook_id}"): MlflowCall(webhooks.update),
    ("DELETE", "webhooks/{webhook_id}"): MlflowCall(webhooks.delete),
    ("POST", "webhooks/{webhook_id}/test"): MlflowCall(webhooks.test),
}
SERVER_CALLS: Mapping[tuple[str, str], MlflowCall] = {
    ("GET", "server-info"): MlflowCall(server.info, quick=True),
    ("GET", "server-features"): MlflowCall(server.info, quick=True),
}


@dataclass(frozen=True, slots=True)
class _Noted:
    """What the server's metrics call a request."""

    path: str


class MlflowCalls:
    """The ASGI application below one prefix."""

    def __init__(self, prefix: str, calls: Mapping[tuple[str, str], MlflowCall]) -> None:
        self._prefix = prefix
        self.calls = calls
        self._noted = {key: _Noted(self._prefix + key[1]) for key in calls}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = Response(
                await self._answer(scope, receive),
                headers={"cache-control": "no-store"},
                media_type="application/json",
            )
        except MlflowProblem as problem:
            response = answer_problem(problem)
        except RegistryError as error:
            response = answer_problem(problem_of(error))
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        call, named = self._call(scope)
        given: Given
        if scope["method"] == "GET":
            given = from_query(scope["query_string"], call.repeated)
        else:
            given = from_body(await Request(scope, receive).body())
        if named:
            given = {**given, webhooks.ID: named}
        namespace = namespace_of(scope)
        state = scope["app"].state
        if call.quick and state.reads_at_once:
            return _encode(call.work(namespace, given))
        pool: Threads = state.pool
        return await pool.run(lambda: _encode(call.work(namespace, given)))

    def _call(self, scope: Scope) -> tuple[MlflowCall, str]:
        """Return the call at a path, and the webhook that the path names."""
        method, path = scope["method"], scope["path"].removeprefix(self._prefix)
        named = ""
        if path.startswith("webhooks/"):
            noun, named, *rest = path.split("/")
            path = "/".join((noun, "{webhook_id}", *rest))
        found = self.calls.get((method, path))
        if found is not None and bool(named) == ("{" in path):
            scope["route"] = self._noted[method, path]
            return found, named
        raise MlflowProblem(
            ENDPOINT_NOT_FOUND,
            f"{method} {scope['path']} is no call of a model registry. Experiments, runs, logged "
            "models and traces are kept by a tracking server: point MLFLOW_TRACKING_URI at one, "
            "and MLFLOW_REGISTRY_URI here.",
        )


PREFIXES: Mapping[str, ASGIApp] = {
    f"{prefix}/": MlflowCalls(f"{prefix}/", calls)
    for prefix, calls in (
        ("/api/2.0/mlflow", CALLS),
        ("/ajax-api/2.0/mlflow", CALLS),
        ("/api/3.0/mlflow", SERVER_CALLS),
        ("/ajax-api/3.0/mlflow", SERVER_CALLS),
    )
}
