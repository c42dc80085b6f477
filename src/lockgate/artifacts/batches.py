"""Batches: what is sent in one go, few enough bytes to be held in memory many times over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

BATCH_BYTES: Final = 8 * 2**20
BATCH_CHUNKS_MAX: Final = 128


def together(
    items: Iterable[T],
    size_of: Callable[[T], int],
    *,
    bytes_max: int = BATCH_BYTES,
    items_max: int = BATCH_CHUNKS_MAX,
) -> Iterator[list[T]]:
    """Yield runs of items within both limits; one larger than ``bytes_max`` is a run by itself."""
    batch: list[T] = []
    size = 0
    for item in items:
        more = size_of(item)
        if batch and (size + more > bytes_max or len(batch) == items_max):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += more
    if batch:
        yield batch


def batches_of(
    sizes: Iterable[int], bytes_max: int = BATCH_BYTES
) -> Iterator[tuple[int, list[int]]]:
    """Group consecutive chunks: yields where a batch starts in the file, and its chunks' sizes."""
    start = 0
    for batch in together(sizes, lambda size: size, bytes_max=bytes_max):
        yield start, batch
        start += sum(batch)
