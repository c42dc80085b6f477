"""Routes of ours: FastAPI's, with bodies and query words read strictly."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from lockgate.errors import InvalidInput
from lockgate.http.calls import KEY_HEADER, checked_key
from lockgate.wire.values import read_json

REPEATABLE = {"order_by"}
REPEATABLE_AT = {"/lineup": {"version"}}
"""Words that only the routes that end so may name twice."""
PREFIX = "/api/v1"
MODEL = "/projects/{project}/models/{model}"
VERSION = MODEL + "/versions/{version}"


class StrictRequest(Request):
    """A request whose JSON means one thing to every reader."""

    async def json(self) -> Any:
        """Return the body's value. Raises `InvalidInput`."""
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route whose body is JSON and says so, and whose query names words it knows, each once.

    What FastAPI makes of its function (shapes of the body, the words, the answer) costs more than
    anything else at a start. It is made when a request is for the route, or the documentation.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.methods = set(given["methods"])
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self._given: dict[str, Any] | None = given

    def __getattr__(self, name: str) -> Any:
        """Make the whole route when more is asked of it than whether a path is its own."""
        given = self.__dict__.get("_given")
        if given is None or name.startswith("__"):
            raise AttributeError(name)
        self._given = None
        super().__init__(self.path, self.endpoint, **given)
        return getattr(self, name)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        repeatable = REPEATABLE_AT.get(self.path[self.path.rfind("/") :], set())

        async def strict(request: Request) -> Response:
            _require_once(request, REPEATABLE | repeatable)
            if not self.dependant.query_params:
                _require_no_words(request)
            if KEY_HEADER in request.headers:
                checked_key(request.headers[KEY_HEADER])
            if self.body_field is not None:
                _require_json(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def router(tag: str) -> APIRouter:
    """Return a router for one noun of the API."""
    return APIRouter(prefix=PREFIX, tags=[tag], route_class=StrictRoute)


def media_type(request: Request) -> str:
    """Return the media type that a request declares for its body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _require_json(request: Request) -> None:
    declared = media_type(request)
    if declared != "application/json":
        raise InvalidInput(
            detail="The body must be JSON and say so: Content-Type: application/json"
            + (f", not {declared[:100]!r}" if declared else ""),
            field="Content-Type",
        )


def _require_once(request: Request, repeatable: set[str]) -> None:
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name in seen and name not in repeatable:
            raise InvalidInput(detail=f"The query names {name[:80]!r} twice", field=name[:80])
        seen.add(name)


def _require_no_words(request: Request) -> None:
    """Refuse words for a route that reads none: who asks ``?at=`` must not be told of today."""
    name = next(iter(request.query_params), None)
    if name is not None:
        raise InvalidInput(
            detail=f"This path takes no words behind '?', and so no {name[:80]!r}", field=name[:80]
        )
