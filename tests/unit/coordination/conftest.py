"""What the tests of the cache begin with."""

from __future__ import annotations

import pytest

from cache_origin import Origin
from lockgate.coordination.memory import MemoryBackend


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()
