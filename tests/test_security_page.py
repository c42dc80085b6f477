"""The page on security says of every attack what stops it, and names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_attack_has_a_row() -> None:
    """The list has 66 lines, each once."""
    assert [int(found) for found in re.findall(r"(?m)^\| (\d+) \|", PAGE)] == list(range(1, 67))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+\.py)`", PAGE))))
def test_what_is_named_is_there(path: str) -> None:
    """Defences lie below the package, tests below the tests."""
    assert (ROOT / path).is_file() or (ROOT / "src" / "lockgate" / path).is_file()
