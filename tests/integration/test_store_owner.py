"""An artifact store belongs to one database: another is refused, with what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lockgate.errors import InvalidSetting
from lockgate.registry import Registry
from registries import embedded


def opened(tmp_path: Path, name: str, *, adopt: bool = False) -> Registry:
    """A registry of this name on the one artifact store."""
    return embedded(
        f"sqlite:///{tmp_path}/{name}.db",
        artifacts=str(tmp_path / "store"),
        cache=str(tmp_path / "cache"),
        artifacts_adopt=adopt,
    )


def file(tmp_path: Path) -> Path:
    """A file to push."""
    path = tmp_path / "weights.bin"
    path.write_bytes(b"weights")
    return path


def test_the_first_database_owns_the_store(tmp_path: Path) -> None:
    """It is written down in the store, and a second database gets nothing from it."""
    with opened(tmp_path, "first") as first:
        version = first.push(file(tmp_path), "churn", "1")
        first.gc()
    marker = json.loads((tmp_path / "store" / "owner.json").read_bytes())
    assert sorted(marker) == ["claimed_at", "database", "schema"]
    with opened(tmp_path, "second") as second:
        for use in (lambda: second.push(file(tmp_path), "churn"), lambda: second.gc()):
            with pytest.raises(InvalidSetting, match=marker["database"]) as caught:
                use()
            assert "LOCKGATE_ARTIFACTS_ADOPT=1" in str(caught.value)
        assert second.list_models().items == ()
    with opened(tmp_path, "first") as first:
        assert first.resolve("churn:1") == version
        assert first.verify_artifacts().faults == ()


def test_a_database_that_moved_keeps_its_store(tmp_path: Path) -> None:
    """A copy put in the place of the original is the same database."""
    with opened(tmp_path, "first") as first:
        first.push(file(tmp_path), "churn", "1")
    shutil.move(tmp_path / "first.db", tmp_path / "moved.db")
    with opened(tmp_path, "moved") as moved:
        assert moved.verify_artifacts().versions == 1


def test_a_store_can_be_taken_over(tmp_path: Path) -> None:
    """Explicitly; then the one before is refused, a sweep of a process under way included."""
    with opened(tmp_path, "first") as first:
        first.push(file(tmp_path), "churn", "1")
        with opened(tmp_path, "heir", adopt=True) as heir:
            heir.push(file(tmp_path), "churn", "1")
        with opened(tmp_path, "heir") as heir:
            assert heir.verify_artifacts().faults == ()
        with pytest.raises(InvalidSetting):
            first.gc()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 9_000, b'{"schema": "other"}'])
def test_a_marker_that_cannot_be_read_is_not_ours(tmp_path: Path, content: bytes) -> None:
    """What is not understood is somebody else's."""
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "owner.json").write_bytes(content)
    with opened(tmp_path, "first") as first, pytest.raises(InvalidSetting):
        first.push(file(tmp_path), "churn")
