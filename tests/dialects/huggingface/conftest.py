"""One server for each file of tests; every test has a model of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_world import Hub, a_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server that speaks the dialect."""
    with a_hub(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache for the client."""
    return tmp_path / "cache"
