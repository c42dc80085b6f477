"""Limits are settings: what is over one is refused by name, and what is at it is stored exactly."""

from __future__ import annotations

from typing import Any

import pytest

import lockgate
from bare import run
from lockgate.domain.names import Limits
from lockgate.errors import InvalidInput, LimitExceeded
from lockgate.settings import Settings


def test_numbers_are_kept_exactly(database_url: str) -> None:
    """Integers of 64 bits and floats come back as they were given, and compare exactly."""
    metrics = {
        "big": 2**63 - 1,
        "small": -(2**63),
        "odd": 2**53 + 1,
        "third": 1 / 3,
        "tiny": 5e-324,
        "huge": 1.7976931348623157e308,
        "whole": 1.0,
    }
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1", metrics=metrics, params=metrics, metadata=metrics)
        found = registry.get_version("churn", "1")
        for kept in (found.metrics, found.params, found.metadata):
            assert metrics == kept
            assert [type(value) for value in metrics.values()] == [
                type(kept[name]) for name in metrics
            ]
        assert [v.label for v in registry.search("metrics.odd = 9007199254740993")] == ["1"]
        assert list(registry.search("metrics.odd > 9007199254740993")) == []


def test_unicode_comes_back(database_url: str) -> None:
    """Names and text of any script come back in NFC, whichever way they were written."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("cafe\u0301 模型", "βeta", tags={"équipe": "\U0001f600 \u202e"})
        found = registry.get_version("caf\xe9 模型", "βeta")
        assert found.model == "caf\xe9 模型"
        assert dict(found.tags) == {"équipe": "\U0001f600 \u202e"}
        assert registry.resolve("cafe\u0301 模型@latest") == found


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_pages_up_to_the_limit(database_url: str, size: int) -> None:
    """A page has as many items as asked for, and following the cursors gives each item once."""
    with lockgate.connect(database_url, actor="ana") as registry:
        for _ in range(5):
            registry.register_model("churn")
        seen: list[int] = []
        cursor = None
        while True:
            page = registry.list_versions("churn", limit=size, cursor=cursor)
            assert len(page) <= size
            seen += [version.seq for version in page]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("limit", [0, -1, 1001, True, "10", 1.5])
def test_pages_beyond_the_limit(database_url: str, limit: Any) -> None:
    """A page of another size than 1 to the limit is refused."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn")
        with pytest.raises(InvalidInput, match="from 1 to 1000"):
            registry.list_versions("churn", limit=limit)


def test_limits_are_settings(database_url: str) -> None:
    """A limit that is set holds for the registry that was opened with it, and nothing is kept."""
    settings = Settings(limits=Limits(label_chars_max=3, entries_max=2, comment_chars_max=5))
    with lockgate.connect(database_url, actor="ana", settings=settings) as registry:
        registry.register_model("churn", "123", tags=["a", "b"])
        for refused in (
            lambda: registry.register_model("churn", "1234"),
            lambda: registry.register_model("churn", "124", tags=["a", "b", "c"]),
            lambda: registry.update_version("churn", "123", tags={"c": "3"}),
            lambda: registry.promote("churn", "123", comment="too long"),
        ):
            with pytest.raises((InvalidInput, LimitExceeded)):
                refused()
        assert registry.get_model("churn").version_count == 1
        assert registry.get_version("churn", "123").revision == 1
    assert run(database_url, "SELECT count(*) FROM versions") == [(1,)]
