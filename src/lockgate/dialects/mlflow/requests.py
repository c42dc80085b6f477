"""What a request says: the query of a GET, the JSON of anything else, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from lockgate.dialects.mlflow.problems import invalid
from lockgate.errors import InvalidInput
from lockgate.wire.values import read_json

FIELDS_MAX = 1_000
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_SEE = " See the API docs for more information about request parameters."
Given = Mapping[str, Any]
Check = Callable[[str, Any], Any]


def text(name: str, value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise _mistyped(name, value)
    return value


def texts(name: str, value: Any) -> list[str]:
    """Return a list of texts."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _mistyped(name, value)
    return value


def flag(name: str, value: Any) -> bool:
    """Return true or false."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _mistyped(name, value)
    return value


def tags(name: str, value: Any) -> dict[str, str]:
    """Return tags, sent as ``[{"key", "value"}]``; of a key that is there twice, the last."""
    if not isinstance(value, list):
        raise _mistyped(name, value)
    found: dict[str, str] = {}
    for item in value:
        if not isinstance(item, dict):
            raise _mistyped(name, value)
        found[text("key", item.get("key") or "")] = text("value", item.get("value") or "")
    return found


def at_most(most: int) -> Check:
    """Return the check of a whole number from 1 to ``most``."""

    def check(name: str, value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (isinstance(value, str) and _WHOLE.fullmatch(value)):
            raise _mistyped(name, value)
        number = int(value) if isinstance(value, str) else value
        if number < 1:
            raise invalid(
                f"Invalid value for {name}. It must be a positive integer, but got {number}"
            )
        if number > most:
            raise invalid(
                f"Invalid value for request parameter {name}. It must be at most {most}, "
                f"but got value {number}"
            )
        return number

    return check


def require(given: Given, name: str) -> str:
    """Return a text that must be there and not be empty."""
    value = given.get(name)
    if value is None or value == "":
        raise invalid(f"Missing value for required parameter '{name}'.{_SEE}")
    return text(name, value)


def optional(given: Given, name: str, check: Check, default: Any = None) -> Any:
    """Return what ``check`` makes of a value, or ``default`` when there is none."""
    value = given.get(name)
    return default if value is None else check(name, value)


def from_query(query: bytes, repeated: frozenset[str]) -> Given:
    """Return the parameters of a query; ``repeated`` are lists, of others the first counts."""
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise invalid(f"The query is not UTF-8, or has more than {FIELDS_MAX} fields.") from None
    for name, value in pairs:
        if name in repeated:
            found.setdefault(name, []).append(value)
        else:
            found.setdefault(name, value)
    return found


def from_body(body: bytes) -> Given:
    """Return the parameters in a JSON object; no body is an empty one."""
    if not body:
        return {}
    try:
        found = read_json(body)
    except InvalidInput as error:
        raise invalid(str(error)) from None
    if not isinstance(found, dict):
        raise invalid("The body of the request must be a JSON object.")
    return found


def _mistyped(name: str, value: Any) -> Exception:
    shown = msgspec.json.encode(value).decode()
    shown = shown if len(shown) <= 100 else shown[:97] + "..."
    return invalid(
        f"Invalid value {shown} for parameter '{name}' supplied: "
        f" Hint: Value was of type '{type(value).__name__}'.{_SEE}"
    )
