"""Refusals as MLflow's clients expect them: ``{"error_code", "message"}`` and a status.

Its client retries 5xx and 429 for minutes, so whatever waiting does not mend is answered with
4xx. What MLflow answers with 500 (``INVALID_STATE``) is 409 here: the client shows the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from lockgate import errors
from lockgate.wire.problems import error_of

INVALID_PARAMETER_VALUE = "INVALID_PARAMETER_VALUE"
RESOURCE_DOES_NOT_EXIST = "RESOURCE_DOES_NOT_EXIST"
RESOURCE_ALREADY_EXISTS = "RESOURCE_ALREADY_EXISTS"
INVALID_STATE = "INVALID_STATE"
ENDPOINT_NOT_FOUND = "ENDPOINT_NOT_FOUND"
NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
REQUEST_LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
BAD_REQUEST = "BAD_REQUEST"

STATUSES: Mapping[str, int] = {
    INVALID_PARAMETER_VALUE: 400,
    RESOURCE_ALREADY_EXISTS: 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    RESOURCE_DOES_NOT_EXIST: 404,
    ENDPOINT_NOT_FOUND: 404,
    INVALID_STATE: 409,
    REQUEST_LIMIT_EXCEEDED: 429,
    NOT_IMPLEMENTED: 501,
    "TEMPORARILY_UNAVAILABLE": 503,
}
_CODES: Mapping[type[errors.RegistryError], str] = {
    errors.InvalidInput: INVALID_PARAMETER_VALUE,
    errors.LimitExceeded: INVALID_PARAMETER_VALUE,
    errors.RateLimited: REQUEST_LIMIT_EXCEEDED,
    errors.Unauthenticated: "UNAUTHENTICATED",
    errors.Forbidden: "PERMISSION_DENIED",
    errors.NotFound: RESOURCE_DOES_NOT_EXIST,
    errors.AlreadyExists: RESOURCE_ALREADY_EXISTS,
    errors.Conflict: INVALID_STATE,
    errors.Corrupt: INVALID_STATE,
    errors.Unavailable: "TEMPORARILY_UNAVAILABLE",
}
"""The nearest class up an error's own line decides."""
_CODES_OF_HTTP = {
    403: "PERMISSION_DENIED",
    404: ENDPOINT_NOT_FOUND,
    405: ENDPOINT_NOT_FOUND,
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
"""What HTTP itself refuses, or what broke; `BAD_REQUEST` is the code of any other status."""


class MlflowProblem(Exception):
    """A refusal in MLflow's own words."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def invalid(message: str) -> MlflowProblem:
    """Return the refusal of a parameter."""
    return MlflowProblem(INVALID_PARAMETER_VALUE, message)


def problem_of(error: errors.RegistryError) -> MlflowProblem:
    """Return what an MLflow client is told of an error: its own sentence.

    That of a closed gate names every requirement that does not hold.
    """
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), INVALID_STATE)
    return MlflowProblem(code, str(error))


def answer_problem(problem: MlflowProblem) -> Response:
    """Return the answer that carries ``problem``."""
    return _answer(problem.code, problem.message, STATUSES[problem.code])


def _answer(code: str, message: str, status: int) -> Response:
    body = msgspec.json.encode({"error_code": code, "message": message})
    headers = {"cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = "1"
    return Response(body, status, headers, media_type="application/json")


def voice(problem: Mapping[str, Any], _method: str) -> Response:
    """Return the answer to what the server itself refuses, see `lockgate.http.voices`."""
    error = error_of(dict(problem))
    if type(error) is not errors.RegistryError:
        return answer_problem(problem_of(error))
    code = _CODES_OF_HTTP.get(problem["status"], BAD_REQUEST)
    return _answer(code, problem["detail"], problem["status"])
