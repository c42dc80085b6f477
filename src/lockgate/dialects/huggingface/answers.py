"""Answers as the hub gives them: JSON, pages with ``Link``, errors with ``X-Error-Code``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lockgate import errors
from lockgate.dialects.huggingface.addresses import find_own_address
from lockgate.dialects.huggingface.snapshots import EntryNotFound, RevisionNotFound
from lockgate.http.calls import Call
from lockgate.http.problems import RETRY_AFTER_S, status_of
from lockgate.wire import values
from lockgate.wire.problems import error_of

Handler = Callable[[Request], Awaitable[Response]]
Spoken = Callable[[Call], Awaitable[Response]]
COMMIT_HEADER = "x-repo-commit"
MESSAGE_CHARS_MAX = 1_000
JSON_BYTES_MAX = 8_000_000
_encode = msgspec.json.Encoder(enc_hook=str).encode
_CODES: Mapping[type[errors.RegistryError], str] = {
    EntryNotFound: "EntryNotFound",
    RevisionNotFound: "RevisionNotFound",
    errors.ModelNotFound: "RepoNotFound",
    errors.ProjectNotFound: "RepoNotFound",
    errors.InvalidName: "RepoNotFound",
}
"""What the client's own errors hang on; the nearest class decides."""


class NotSpoken(errors.RegistryError):
    """The hub has this and we have not; the detail says what to do instead."""


class CommitIsOld(errors.Conflict):
    """What a commit was to build on is not the latest any more."""


def spoken(handle: Spoken) -> Handler:
    """Return a handler whose errors are in the hub's words."""

    @wraps(handle)
    async def answered(request: Request) -> Response:
        try:
            return await handle(Call(request))
        except (errors.ModelNotFound, errors.ProjectNotFound, errors.InvalidName) as error:
            return await find_own_address(Call(request)) or refusal(request, error)
        except errors.RegistryError as error:
            return refusal(request, error)

    return answered


def refusal(request: Request, error: errors.RegistryError) -> Response:
    """Return the answer to an error."""
    status, code = _status_and_code(request.method, error)
    if status == 401 and "model" in request.path_params:
        code = "RepoNotFound"  # as the hub has it: who is nobody is shown no repository
    response = _refused(str(error), status, code)
    commit = error.fields.get("commit")
    if isinstance(error, EntryNotFound) and commit is not None:
        response.headers[COMMIT_HEADER] = commit
    return response


def voice(problem: Mapping[str, Any], method: str) -> Response:
    """Return the answer to what the server itself refuses, see `lockgate.http.voices`."""
    error = error_of(dict(problem))
    status = problem["status"]
    code = None if type(error) is errors.RegistryError else _status_and_code(method, error)[1]
    return _refused(problem["detail"], status, code)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    told = {"cache-control": "no-store", **(headers or {})}
    return Response(_encode(value), status, told, media_type="application/json")


def page(request: Request, items: list[Any], following: Mapping[str, str] | None) -> Response:
    """Return a page of a list; ``following`` are the words of the query for the next one."""
    if following is None:
        return answer(items)
    url = request.url.include_query_params(**following)
    return answer(items, headers={"link": f'<{url}>; rel="next"'})


async def read_json(call: Call) -> Any:
    """Return the JSON of a request's body. Raises `InvalidInput`."""
    body = await read_body(call.request)
    return await asyncio.to_thread(values.read_json, body)


async def read_body(request: Request) -> bytes:
    """Return a body of what is no file. Raises `LimitExceeded`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > JSON_BYTES_MAX:
            raise errors.LimitExceeded(
                what="The size of the body in bytes", observed="more", limit=JSON_BYTES_MAX
            )
    return bytes(body)


def _refused(sentence: str, status: int, code: str | None) -> Response:
    headers = {"x-error-message": _header_text(sentence)}
    if code is not None:
        headers["x-error-code"] = code
    if status == 503:
        headers["retry-after"] = str(RETRY_AFTER_S)
    return answer({"error": sentence}, status, headers)


def _status_and_code(method: str, error: errors.RegistryError) -> tuple[int, str | None]:
    if isinstance(error, NotSpoken):
        return 501, None
    if isinstance(error, CommitIsOld):
        return 412, None
    reading = method in ("GET", "HEAD")
    if isinstance(error, errors.Forbidden):
        return 403, "GatedRepo" if reading else None
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), None)
    if isinstance(error, errors.InvalidName) and not reading:
        return 400, None
    return (404 if code is not None else status_of(error)), code


def _header_text(sentence: str) -> str:
    """Return a sentence as one line of ASCII, which is all that a header carries."""
    line = " ".join(sentence.split())[:MESSAGE_CHARS_MAX]
    return line.encode("ascii", "backslashreplace").decode()
