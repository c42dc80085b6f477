"""One server for each module of attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attacked import Target, a_target


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that the attacks of a module share: none of them may leave a trace."""
    with a_target(tmp_path_factory.mktemp("target")) as made:
        yield made
