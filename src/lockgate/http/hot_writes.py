"""The writes that programs send all day, brought to their routes' own functions by a shorter way.

    POST /api/v1/projects/{project}/models/{model}/versions
    POST /api/v1/projects/{project}/models/{model}/versions/{version}/transitions

FastAPI's way to a function costs about what the function does. What is exactly one of these, whole
in one piece and of the right shape, is read here as it reads it and answered by the same function.
Whatever is not goes on, body and all, to the routes of the same paths, which say what is wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.errors import InvalidInput
from lockgate.http import passages, versions
from lockgate.http.calls import Call
from lockgate.wire.bodies import Body, NewTransition, NewVersion
from lockgate.wire.values import read_json

_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class _Write:
    """A route's function, the names in its path, and the shape of its body."""

    answer: Callable[..., Awaitable[Response]]
    shape: type[Body]
    names: tuple[tuple[str, int], ...]


_MODEL = (("project", 4), ("model", 6))
_WRITES = {
    (8, "versions"): _Write(versions.register_model, NewVersion, _MODEL),
    (10, "transitions"): _Write(passages.transition, NewTransition, (*_MODEL, ("version", 8))),
}


class HotWrites:
    """Middleware that answers the hot writes itself and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            parts = scope["path"].split("/")
            write = _hot(scope, parts)
            if write is not None:
                first = await receive()
                receive = _again(first, receive)
                body = _read(first, write.shape)
                if body is not None:
                    names = {name: parts[place] for name, place in write.names}
                    call = Call(Request(scope, receive))
                    response = await write.answer(call, **names, body=body)
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _hot(scope: Scope, parts: list[str]) -> _Write | None:
    """Return what a request writes, or None when it is not hot."""
    write = _WRITES.get((len(parts), parts[-1]))
    if (
        write is None
        or parts[:4] != ["", "api", "v1", "projects"]
        or parts[5] != "models"
        or (len(parts) == 10 and parts[7] != "versions")
        or not all(parts[place] for _, place in write.names)
        or scope["query_string"]
        or _JSON not in scope["headers"]
    ):
        return None
    return write


def _read(message: Message, shape: type[Body]) -> Any:
    """Return the body that is whole in a message, or None for what the routes are to refuse."""
    if message["type"] != "http.request" or message.get("more_body", False):
        return None
    try:
        return shape.model_validate(read_json(message.get("body", b"")))
    except (InvalidInput, ValidationError):
        return None


def _again(first: Message, receive: Receive) -> Receive:
    """Return ``receive`` that begins with a message that was received before."""
    waiting = [first]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
