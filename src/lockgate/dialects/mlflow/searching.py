"""Pages of a search: as many as MLflow's ``max_results`` asks for, which may be more than ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lockgate.dialects.mlflow.problems import invalid
from lockgate.domain.names import LIMITS
from lockgate.domain.pages import Page
from lockgate.errors import InvalidCursor

T = TypeVar("T")


def collect(
    fetch: Callable[[int, str | None], Page[T]], most: int, token: str | None
) -> tuple[list[T], str | None]:
    """Return up to ``most`` items from ``fetch(limit, cursor)``, and the token of the next page.

    The cursors are ours: a page goes on where the last one ended, also when rows were added
    before it meanwhile.
    """
    found: list[T] = []
    cursor = token or None
    while True:
        try:
            page = fetch(min(most - len(found), LIMITS.page_items_max), cursor)
        except InvalidCursor as error:
            raise invalid(f"Invalid page token, could not base64-decode: {error}") from None
        found += page
        cursor = page.next_cursor
        if cursor is None or len(found) >= most:
            return found, cursor
