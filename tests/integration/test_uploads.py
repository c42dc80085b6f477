"""Files that are sent one by one, before a version names them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lockgate.bootstrap import acting, open_store
from lockgate.errors import DigestMismatch, ModelNotFound, NotFound
from lockgate.registry import Registry
from lockgate.services.uploads import KEPT_S
from lockgate.settings import Settings

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


class Clock:
    """A clock that a test turns on."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the registry."""
    return Clock()


@pytest.fixture
def registry(database_url: str, tmp_path: Path, clock: Clock) -> Registry:
    """A registry with a model that has no version."""
    settings = Settings(database=database_url, artifacts=str(tmp_path / "artifacts"))
    found = Registry(open_store(database_url, settings, clock), acting(settings, "ana"))
    found.create_model("m")
    return found


def spooled(tmp_path: Path, data: bytes) -> Path:
    """Return a file that was received."""
    path = tmp_path / "body"
    path.write_bytes(data)
    return path


def test_a_file_is_found_once_it_has_come(registry: Registry, tmp_path: Path) -> None:
    """A ticket takes the file it is for; then no ticket is needed for that file any more."""
    uploads = registry.uploads
    [ticket] = uploads.open("default", "m", [(HELLO, 5)])
    assert ticket is not None
    assert uploads.find("default", "m", HELLO) is None
    with pytest.raises(DigestMismatch):
        uploads.receive(ticket, spooled(tmp_path, b"hallo"))
    uploads.receive(ticket, spooled(tmp_path, b"hello"))
    entry = uploads.find("default", "m", HELLO)
    assert entry is not None
    assert (entry.sha256, entry.size) == (HELLO, 5)
    assert uploads.open("default", "m", [(HELLO, 5)]) == [None]
    registry.close()


def test_a_ticket_is_of_use_for_a_day(registry: Registry, clock: Clock) -> None:
    """After a day it opens nothing, and the next upload forgets it."""
    uploads = registry.uploads
    [ticket] = uploads.open("default", "m", [(HELLO, 5)])
    assert ticket is not None
    assert uploads.expected(ticket).size == 5
    clock.now += timedelta(seconds=KEPT_S + 1)
    with pytest.raises(NotFound, match="its time is over"):
        uploads.expected(ticket)
    registry.close()


def test_a_model_that_is_not_there_takes_no_file(registry: Registry) -> None:
    """Tickets are for models that are there."""
    with pytest.raises(ModelNotFound):
        registry.uploads.open("default", "no", [(HELLO, 5)])
    registry.close()
