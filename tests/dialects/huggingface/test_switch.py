"""The dialect can be switched off."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hub_world import a_hub
from lockgate.dialects import dialects_named
from lockgate.errors import InvalidSetting
from lockgate.settings import Settings


def test_it_is_on_unless_switched_off(tmp_path: Path) -> None:
    """Without the setting the hub is spoken; with another, its paths are unknown to us."""
    assert "huggingface" in Settings().dialects.split(",")
    with a_hub(tmp_path, dialects="") as silent:
        answer = httpx.get(f"{silent.endpoint}/api/models")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_path")


def test_an_unknown_dialect_is_an_invalid_setting() -> None:
    """The error names the dialects there are."""
    with pytest.raises(InvalidSetting, match="huggingface"):
        dialects_named("huggingface,klingon")
