"""Backends that go away while a model is wanted."""

from __future__ import annotations

import threading

import pytest

from cache_origin import FILES, KEY, Outage, cache_of, files_below
from lockgate.domain.claims import ModelStatus
from lockgate.errors import CoordinatorUnavailable


def test_passing_outage_is_waited_out(tmp_path, backend, origin):
    """A backend that comes back in time is not noticed."""
    with cache_of(tmp_path, Outage(backend, calls=2), origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES


def test_lasting_outage_is_raised(tmp_path, backend, origin):
    """A backend that stays away is named, and nothing is downloaded without a claim."""
    cache = cache_of(tmp_path, Outage(backend, always=True), origin)
    with cache, pytest.raises(CoordinatorUnavailable, match="gone fishing"):
        cache.ensure("mem://m")
    assert origin.bytes_given == 0


def test_outage_in_mid_download(tmp_path, backend, origin):
    """An owner whose beats do not get through goes on, and finishes when the backend is back."""
    origin.gate.clear()
    flaky = Outage(backend)
    cache = cache_of(tmp_path, flaky, origin)
    paths = []
    thread = threading.Thread(target=lambda: paths.append(cache.ensure("mem://m")))
    thread.start()
    assert origin.reached.wait(20)
    flaky.calls = 2
    origin.gate.set()
    thread.join()
    cache.close()
    assert files_below(paths[0]) == FILES
    assert backend.get_status(KEY) is ModelStatus.DOWNLOADED
