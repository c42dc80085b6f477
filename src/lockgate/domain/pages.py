"""A page of results: a sequence, and where the next page begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Sequence[T], Generic[T]):
    """Items in order, and the opaque cursor of the next page (None on the last one)."""

    items: tuple[T, ...]
    next_cursor: str | None = None

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def map(self, change: Callable[[T], U]) -> Page[U]:
        """Return the page with ``change`` applied to every item."""
        return Page(tuple(change(item) for item in self.items), self.next_cursor)
