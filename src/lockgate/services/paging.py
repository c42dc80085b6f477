"""Keyset pages: a cursor is the position of the last item, bound to the query it belongs to."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lockgate.domain import names
from lockgate.domain.pages import Page
from lockgate.errors import InvalidCursor, InvalidInput
from lockgate.storage.store import Store

T = TypeVar("T")
CURSOR_CHARS_MAX = 4_096


def page_of(
    store: Store,
    query: str,
    limit: int,
    cursor: str | None,
    *,
    first: Any,
    fetch: Callable[[Any, int], Sequence[T]],
    position: Callable[[T], Any],
) -> Page[T]:
    """Return the page after ``cursor``.

    ``query`` names what is listed, filters included; a cursor of another query is refused.
    ``fetch(after, count)`` returns up to ``count`` items beyond a position, in order.
    """
    size = page_size(store, limit)
    after = first if cursor is None else read_cursor(cursor, query, type(first))
    items = fetch(after, size + 1)
    if len(items) <= size:
        return Page(tuple(items))
    items = items[:size]
    return Page(tuple(items), write_cursor(query, position(items[-1])))


def page_size(store: Store, limit: Any) -> int:
    """Return ``limit`` if it is between 1 and the store's limit."""
    highest = store.limits.page_items_max
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= highest:
        raise InvalidInput(
            detail=f"limit must be a whole number from 1 to {highest}, got {limit!r}",
            field="limit",
        )
    return limit


def write_cursor(query: str, position: Any) -> str:
    """Return an opaque text that `read_cursor` turns back into ``position``."""
    body = json.dumps([_mark(query), position], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def read_cursor(cursor: str, query: str, kind: type) -> Any:
    """Return the position in ``cursor``. Raises `InvalidCursor` unless it fits the query."""
    try:
        if len(cursor) > CURSOR_CHARS_MAX:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        mark, position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        raise InvalidCursor(
            detail="cursor was not made by this server; pass next_cursor of the page before",
            field="cursor",
        ) from None
    if mark != _mark(query) or type(position) is not kind or not _sound(position):
        raise InvalidCursor(
            detail="cursor belongs to another query; repeat the query that it came from",
            field="cursor",
        )
    return position


def _sound(position: Any) -> bool:
    """Say whether a position may be asked of a database: a cursor can be made up."""
    if isinstance(position, int):
        return 0 <= position <= names.INT64_MAX
    return isinstance(position, str) and "\0" not in position and position.isprintable()


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:12]
