"""Errors to answers: the only table of statuses of our API, and its one shape, problem+json."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lockgate import errors
from lockgate.wire.problems import MEDIA_TYPE, bare_problem, problem_of

STATUSES: Mapping[type[errors.RegistryError], int] = {
    errors.InvalidInput: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.StaleRevision: 412,
    errors.LimitExceeded: 413,
    errors.RateLimited: 429,
    errors.Corrupt: 422,
    errors.Unavailable: 503,
}
"""The nearest class up an error's own line decides."""

HTTP_CODES = {
    400: "bad_request",
    404: "unknown_path",  # not the code of `NotFound`, which the store alone says
    405: "method_not_allowed",
    414: "uri_too_long",
    431: "headers_too_large",
    500: "internal_error",
}
"""Codes of what is no error of the registry's."""

RETRY_AFTER_S = 1
FAULTS_MAX = 20
_encode = msgspec.json.Encoder(enc_hook=str).encode


def status_of(error: errors.RegistryError) -> int:
    """Return the status that an error is answered with; 500 for one that is in no table."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def refusal(error: errors.RegistryError, request_id: str) -> Response:
    """Return the answer to an error that the registry raised."""
    status = status_of(error)
    headers = {}
    if status in (429, 503):
        headers["retry-after"] = str(error.fields.get("retry_after_s", RETRY_AFTER_S))
    return _answer(problem_of(error, status, request_id), status, headers)


def http_refusal(
    status: int, request_id: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer to what HTTP itself forbids: an unknown path, a wrong method …"""
    code = HTTP_CODES.get(status, f"http_{status}")
    return _answer(bare_problem(code, status, detail, request_id), status, headers or {})


def bug(request_id: str, error: BaseException, method: str, path: str) -> Response:
    """Return the answer to a fault of ours: the request id and nothing else; the log has it all."""
    import structlog  # with it comes a terminal's whole renderer: a quick start does without

    # As text: a renderer that shows local variables would show tokens and bodies, too.
    told = "".join(traceback.format_exception(error))
    structlog.get_logger("lockgate.http").error(
        "request failed", request_id=request_id, method=method, path=path, traceback=told
    )
    detail = f"Something broke in the server; its log says more under request {request_id}."
    return http_refusal(500, request_id, detail)


async def on_registry_error(request: Request, error: Exception) -> Response:
    """Answer a `RegistryError`."""
    assert isinstance(error, errors.RegistryError)  # noqa: S101
    return refusal(error, request.state.request_id)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what Starlette refuses: 404, 405, and what went wrong while a body was read."""
    assert isinstance(error, HTTPException)  # noqa: S101
    cause = error.__cause__
    request_id = request.state.request_id
    if isinstance(cause, errors.RegistryError):
        return refusal(cause, request_id)
    path = request.url.path
    if error.status_code == 404:
        return http_refusal(404, request_id, f"There is nothing at {path}; see /docs.")
    if error.status_code == 405:
        allowed = ", ".join(methods_at(request))
        detail = f"{path} does not take {request.method}; it takes {allowed}."
        return http_refusal(405, request_id, detail, {"allow": allowed})
    return http_refusal(error.status_code, request_id, str(error.detail), error.headers)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Answer fields that have the wrong type, are missing, or are unknown: all at once."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = [
        {"field": _place(each["loc"]), "detail": each["msg"]}
        for each in error.errors()[:FAULTS_MAX]
    ]
    detail = "; ".join(f"{fault['field']}: {fault['detail']}" for fault in faults)
    invalid = errors.InvalidInput(detail=detail, field=faults[0]["field"], faults=faults)
    return refusal(invalid, request.state.request_id)


def methods_at(request: Request) -> list[str]:
    """Return the methods that the path of a request takes, over all routes."""
    found: set[str] = set()
    for route in request.app.routes:
        matched, _ = route.matches({**request.scope, "method": ""})
        if matched.value:
            found |= set(getattr(route, "methods", None) or ())
    return sorted(found)


def _place(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts) or str(location[0])


def _answer(problem: dict[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    return Response(_encode(problem), status, dict(headers), media_type=MEDIA_TYPE)
