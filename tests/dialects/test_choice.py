"""Which dialects a server speaks is a setting."""

from __future__ import annotations

import httpx
import pytest

from lockgate.bootstrap import app_from
from lockgate.errors import InvalidSetting
from lockgate.settings import Settings
from registries import running

PATHS = ("/api/v1/registry/models", "/models", "/audit")


def statuses(dialects: str) -> list[int]:
    """What a server that speaks these answers to the first path of each."""
    app = app_from(Settings(database="memory://", dialects=dialects))
    with running(app) as url:
        return [httpx.get(url + path, trust_env=False).status_code for path in PATHS]


@pytest.mark.parametrize(
    ("dialects", "expected"),
    [
        ("", [404, 404, 404]),
        ("wanllmdb", [200, 404, 404]),
        ("day22", [404, 200, 200]),
        (" day22 , wanllmdb", [200, 200, 200]),
    ],
)
def test_a_dialect_can_be_switched_off(dialects: str, expected: list[int]) -> None:
    """What is not listed is not there."""
    assert statuses(dialects) == expected


def test_by_default_all_are_spoken() -> None:
    """Without the setting both of these answer."""
    assert statuses(Settings().dialects) == [200, 200, 200]


def test_a_dialect_that_there_is_not_is_refused() -> None:
    """The error lists those there are."""
    with pytest.raises(InvalidSetting, match="wanllmdb, day22"):
        app_from(Settings(database="memory://", dialects="esperanto"))
