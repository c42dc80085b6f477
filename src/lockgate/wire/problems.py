"""Errors to problem+json (RFC 9457) and back to the same class with the same fields.

    {"type": "urn:lockgate:error:transition_not_allowed", "title": "Transition not allowed",
     "status": 409, "code": "transition_not_allowed", "detail": "Illegal transition …",
     "request_id": "…", "allowed": [{"verb": "promote", "stage": "Staging"}], …}

An error's fields lie beside the standard members. A field whose name is taken by one of those,
and that says something else, lies in ``fields``.
"""

from __future__ import annotations

from typing import Any

from lockgate.errors import RegistryError

MEDIA_TYPE = "application/problem+json"
TEXT_CHARS_MAX = 2_000
FAULTS_MAX = 20
STANDARD = ("type", "title", "status", "code", "detail", "instance", "request_id", "fields", "hint")


def problem_of(error: RegistryError, status: int, request_id: str) -> dict[str, Any]:
    """Return the problem document of an error."""
    problem = bare_problem(error.code, status, _bounded(str(error)), request_id)
    taken: dict[str, Any] = {}
    for name, told in error.fields.items():
        value = _bounded(told, name)
        if name not in STANDARD:
            problem[name] = value
        elif name != "detail" or value != problem["detail"]:
            taken[name] = value
    if taken:
        problem["fields"] = taken
    notes = getattr(error, "__notes__", ())
    if notes:
        problem["hint"] = " ".join(notes)
    return problem


def _bounded(value: Any, name: str = "") -> Any:
    """Return a field no longer than anybody reads: what was sent may be echoed, not multiplied."""
    if isinstance(value, str) and len(value) > TEXT_CHARS_MAX:
        return value[:TEXT_CHARS_MAX] + "…"
    if name == "faults" and isinstance(value, (list, tuple)):
        return [
            {key: _bounded(part) for key, part in each.items()}
            if isinstance(each, dict)
            else _bounded(each)
            for each in value[:FAULTS_MAX]
        ]
    return value


def bare_problem(code: str, status: int, detail: str, request_id: str) -> dict[str, Any]:
    """Return a problem document that carries no fields of its own."""
    return {
        "type": f"urn:lockgate:error:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }


def error_of(problem: dict[str, Any]) -> RegistryError:
    """Return the error that a problem document tells of."""
    code, detail = str(problem.get("code", "")), str(problem.get("detail", ""))
    fields = {name: value for name, value in problem.items() if name not in STANDARD}
    fields |= problem.get("fields") or {}
    error = RegistryError.from_code(code, detail, fields)
    if type(error).sentence == "{detail}":
        fields.setdefault("detail", detail)
    if problem.get("hint"):
        error.add_note(str(problem["hint"]))
    return error
