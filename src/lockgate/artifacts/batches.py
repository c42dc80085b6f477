"""Batches: what is sent in one go, few enough bytes to be held in memory many times over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lockgate.artifacts.trees import FileState

BATCH_BYTES: Final = 8 * 2**20
BATCH_CHUNKS_MAX: Final = 128


def grouped(paths: list[str], files: dict[str, FileState]) -> Iterator[list[str]]:
    """Group whole files that are small."""
    group: list[str] = []
    size = 0
    for path in paths:
        if group and (size + files[path].size > BATCH_BYTES or len(group) == BATCH_CHUNKS_MAX):
            yield group
            group, size = [], 0
        group.append(path)
        size += files[path].size
    if group:
        yield group


def batches_of(sizes: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """Group consecutive chunks: yields where a batch starts in the file, and its chunks' sizes."""
    start = 0
    batch: list[int] = []
    for size in sizes:
        if batch and (sum(batch) + size > BATCH_BYTES or len(batch) == BATCH_CHUNKS_MAX):
            yield start, batch
            start, batch = start + sum(batch), []
        batch.append(size)
    if batch:
        yield start, batch
