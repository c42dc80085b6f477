"""JSON values: read strictly, written exactly.

The readers of most libraries let things through that mean two things to two readers: a key given
twice, NaN, a byte order mark, half a surrogate pair. Here each is refused, with its place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from lockgate.errors import InvalidInput

DEPTH_MAX = 64
DIGITS_MAX = 400
OBJECT_KEYS_MAX = 10_000
KEY_CHARS_MAX = 10_000


def read_json(body: bytes) -> Any:
    """Return the value that ``body`` writes, integers exact. Raises `InvalidInput`."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _invalid(f"it is not UTF-8 at byte {error.start}") from None
    try:
        value = _decode(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _invalid(f"it is nested deeper than {DEPTH_MAX} levels") from None
    _require_plain(value)
    if "\\u" in text:
        require_text(json.dumps(value, ensure_ascii=False), "the body", written=True)
    return value


def require_text(text: str, what: str, *, written: bool = False) -> None:
    """Refuse NUL and halves of surrogate pairs, which no database stores.

    ``written`` says that ``text`` is JSON, where NUL is written as an escape.
    """
    if ("\\u0000" if written else "\0") in text:
        raise InvalidInput(detail=f"{what} contains NUL, which is never text", field=what)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            detail=f"{what} contains a lone surrogate; it must be valid Unicode", field=what
        ) from None


def write_json(value: Any) -> bytes:
    """Return ``value`` as JSON. Tuples are lists, NumPy scalars are numbers.

    Raises `InvalidInput` for what JSON cannot say: NaN, infinity, bytes, other objects.
    """
    try:
        text = json.dumps(_plain(value, "", DEPTH_MAX), ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            detail="a value contains a lone surrogate; it must be valid Unicode"
        ) from None


def _plain(value: Any, where: str, depth: int) -> Any:
    if depth == 0:
        raise InvalidInput(
            detail=f"{where[:80]} is nested deeper than {DEPTH_MAX} levels", field=where[:80]
        )
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise InvalidInput(
            detail=f"{where} is {value}; only finite numbers can be stored, leave it out instead",
            field=where,
        )
    if isinstance(value, Mapping):
        return {
            _key(key, where): _plain(each, f"{where}.{key}".lstrip("."), depth - 1)
            for key, each in value.items()
        }
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [_plain(each, f"{where}[{i}]", depth - 1) for i, each in enumerate(value)]
    raise InvalidInput(
        detail=f"{where} must be a JSON value, got {type(value).__name__}", field=where
    )


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise InvalidInput(detail=f"{where} has the key {key!r}; keys must be text", field=where)
    return key


def _require_plain(value: Any) -> None:
    """Refuse what is nested too deep, level by level, so that depth costs no recursion."""
    level = [value]
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        if not below:
            return
        level = below
    raise _invalid(f"it is nested deeper than {DEPTH_MAX} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(pairs) > OBJECT_KEYS_MAX:
        raise _invalid(f"it contains an object of {len(pairs)} keys, more than {OBJECT_KEYS_MAX}")
    for key, value in pairs:
        if key in found:
            raise _invalid(f"the key {key[:80]!r} is given twice")
        if len(key) > KEY_CHARS_MAX:
            raise _invalid(f"it contains a key of {len(key)} characters")
        found[key] = value
    return found


def _constant(word: str) -> Any:
    raise _invalid(f"it contains {word}; JSON numbers are finite")


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise _invalid(f"it contains a number of {len(digits)} digits")
    return int(digits)


# Made once: `json.loads` builds a decoder at every call that has settings.
_decode = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer
).decode


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(detail=f"The body is not valid JSON: {why}.", field="body")
