"""Questions and answers as services on FastAPI have them: what wanLLMDB and Day22 share.

An error is ``{"detail": …}``: a sentence, or (422) a list with one ``{"type", "loc", "msg"}`` for
each thing that was wrong with the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from lockgate.domain.pages import Page
from lockgate.errors import InvalidInput, LimitExceeded, RegistryError
from lockgate.http.calls import Call
from lockgate.http.problems import status_of
from lockgate.http.routing import media_type
from lockgate.registry import Registry
from lockgate.wire.problems import FAULTS_MAX
from lockgate.wire.values import read_json

PAGE_ITEMS = 500
S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")


class Refusal(Exception):
    """A status and the ``detail`` that go with it."""

    def __init__(self, status: int, detail: Any) -> None:
        self.status = status
        self.detail = detail
        super().__init__(str(detail))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, and the registry acting for whoever sent it."""

    registry: Registry
    scope: Scope
    path: Mapping[str, str]
    words: Mapping[str, str]
    media: str
    content: bytes

    def body(self, shape: type[S]) -> S:
        """Return the JSON body as ``shape``. Raises `Refusal` (422)."""
        if not self.media.startswith("application/") or not self.media.endswith("json"):
            raise Refusal(422, [_fault("missing", ["body"], "The body must be application/json")])
        try:
            value = read_json(self.content)
        except InvalidInput as error:
            raise Refusal(422, [_fault("json_invalid", ["body"], str(error))]) from None
        return read(shape, value, "body")

    def query(self, shape: type[S]) -> S:
        """Return the words of the query as ``shape``. Raises `Refusal` (422)."""
        return read(shape, dict(self.words), "query")


def voice(problem: Mapping[str, Any], _method: str) -> Response:
    """Return the answer to what the server itself refuses, see `lockgate.http.voices`."""
    return JSONResponse({"detail": problem["detail"]}, problem["status"])


Handler = Callable[[Asked], Any]
Told = Callable[[RegistryError], tuple[int, Any]]


def told(error: RegistryError) -> tuple[int, Any]:
    """Return the status and detail of an error for which a dialect has no words of its own."""
    if isinstance(error, (InvalidInput, LimitExceeded)):
        field = str(error.fields.get("field", "body"))
        return 422, [_fault("value_error", ["body", *field.split(".")], str(error))]
    return status_of(error), str(error)


def route(method: str, path: str, handle: Handler, tell: Told = told, status: int = 200) -> Route:
    """Return a route whose ``handle`` runs in a thread and returns a JSON value, or None."""

    async def endpoint(request: Request) -> Response:
        content = await request.body()
        try:
            call = Call(request)
            asked = Asked(
                call.registry,
                request.scope,
                request.path_params,
                request.query_params,
                media_type(request),
                content,
            )
            value = await call.run(lambda: handle(asked))
        except Refusal as no:
            return JSONResponse({"detail": no.detail}, no.status)
        except RegistryError as error:
            code, detail = tell(error)
            return JSONResponse({"detail": detail}, code)
        return Response(status_code=status) if value is None else JSONResponse(value, status)

    return Route(path, endpoint, methods=[method], include_in_schema=False)


def with_rest(routes: Sequence[BaseRoute], *prefixes: str) -> list[BaseRoute]:
    """Return ``routes`` and, behind them, what answers everything else under ``prefixes``."""
    rest = _Rest(routes)
    paths = [path for prefix in prefixes for path in (prefix, prefix + "/{rest:path}")]
    return [*routes, *(Route(path, rest, include_in_schema=False) for path in paths)]


class _Rest:
    """Answers 405 on a path that takes other methods, 404 on one that is none."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        takes = self._methods_at(scope, path)
        bare = path.rstrip("/")
        answer: Response = JSONResponse({"detail": "Not Found"}, 404)
        if takes:
            headers = {"allow": ", ".join(takes)}
            answer = JSONResponse({"detail": "Method Not Allowed"}, 405, headers)
        elif bare != path and self._methods_at(scope, bare):
            url = Request(scope).url
            answer = RedirectResponse(str(url.replace(path=url.path.rstrip("/"))), 307)
        await answer(scope, receive, send)

    def _methods_at(self, scope: Scope, path: str) -> list[str]:
        asked = {**scope, "path": path, "method": ""}
        found: set[str] = set()
        for each in self._routes:
            if each.matches(asked)[0] is not Match.NONE:
                found |= set(getattr(each, "methods", None) or ())
        return sorted(found)


def stretch(fetch: Callable[..., Page[T]], skip: int, limit: int) -> list[T]:
    """Return the items from number ``skip`` on, up to ``limit``, of what ``fetch`` pages through.

    Lockgate pages by cursors: what is skipped is read, in pages.
    """
    found: list[T] = []
    seen, cursor = 0, None
    while seen < skip + limit:
        page = fetch(limit=min(PAGE_ITEMS, skip + limit - seen), cursor=cursor)
        found += page.items[max(0, skip - seen) :]
        seen += len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def tag_list(tags: Mapping[str, str]) -> list[str]:
    """Return tags as a list of words: ``nlp``, or ``team=search`` for one that has a value."""
    return [f"{key}={value}" if value else key for key, value in tags.items()]


def tag_mapping(words: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags that a list names; a word that `tag_list` made of ``known`` is that tag."""
    made = {f"{key}={value}": (key, value) for key, value in (known or {}).items() if value}
    return dict(made.get(word, (word, "")) for word in words)


def read(shape: type[S], value: Any, where: str) -> S:
    """Return a value of a request as ``shape``. Raises `Refusal` (422) with every fault."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        listed = [_fault(each["type"], [where, *each["loc"]], each["msg"]) for each in faults]
        raise Refusal(422, listed[:FAULTS_MAX]) from None


def _fault(kind: str, place: Sequence[str | int], message: str) -> dict[str, Any]:
    return {"type": kind, "loc": list(place), "msg": message}
