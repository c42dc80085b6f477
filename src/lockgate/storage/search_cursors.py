"""Cursors of a search: where a page ended, bound to the question it belongs to.

    base64url( JSON [fingerprint of the question, [sort key, …], row id] )

A cursor is no secret and no right: whoever makes one up sees rows that the search shows anyway.
What is in it is checked like any other input.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from lockgate.domain import names
from lockgate.errors import InvalidCursor, RegistryError

KeyKind = Literal["text", "integer", "number"]
KeyValue = str | int | float | Decimal | None
CURSOR_CHARS_MAX = 20_000
_NUMBER_CHARS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Position:
    """The sort keys and the id of the last row of a page."""

    keys: tuple[KeyValue, ...]
    id: int


def fingerprint(*question: Any) -> str:
    """Return what tells one question from another: 16 hexadecimal digits."""
    return hashlib.sha256(repr(question).encode()).hexdigest()[:16]


def encode_cursor(question: str, position: Position) -> str:
    """Return the cursor of the page that follows ``position``."""
    keys = [str(k) if isinstance(k, (float, Decimal)) else k for k in position.keys]
    text = json.dumps([question, keys, position.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, question: str, kinds: Sequence[KeyKind], dialect: str) -> Position:
    """Return the position that ``cursor`` holds; ``kinds`` are those of its sort keys.

    Raises `InvalidCursor` unless `encode_cursor` could have made it for the same question.
    """
    try:
        if len(cursor) > CURSOR_CHARS_MAX:
            raise ValueError
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        asked, keys, row_id = json.loads(text)
        if asked != question:
            raise InvalidCursor(
                detail="The cursor belongs to another search; repeat the filter, the order and "
                "the project it came with, or start without a cursor",
                field="cursor",
            )
        if len(keys) != len(kinds):
            raise ValueError
        decoded = tuple(_key(k, kind, dialect) for k, kind in zip(keys, kinds, strict=True))
        return Position(decoded, _integer(row_id))
    except (ValueError, TypeError, ArithmeticError, RecursionError, binascii.Error) as error:
        raise _unreadable() from error
    except RegistryError as error:
        raise error if isinstance(error, InvalidCursor) else _unreadable() from error


def _unreadable() -> InvalidCursor:
    return InvalidCursor(
        detail="The cursor is not one that this server gave; start without a cursor",
        field="cursor",
    )


def _key(value: Any, kind: KeyKind, dialect: str) -> KeyValue:
    if value is None:
        return None
    if kind == "integer":
        return _integer(value)
    if kind == "text":
        return names.plain_text(value, "cursor", CURSOR_CHARS_MAX)
    return _integer(value) if isinstance(value, int) else _number(value, dialect)


def _integer(value: Any) -> int:
    if type(value) is not int or not names.INT64_MIN <= value <= names.INT64_MAX:
        raise ValueError
    return value


def _number(value: Any, dialect: str) -> float | Decimal:
    if not isinstance(value, str) or len(value) > _NUMBER_CHARS_MAX:
        raise ValueError
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError from None
    # A float of 1e308 has 309 digits before the point; beyond that nothing was ever stored.
    if not number.is_finite() or abs(number.adjusted()) > _NUMBER_CHARS_MAX:
        raise ValueError
    return number if dialect == "postgresql" else float(number)
