"""Origins that break off, fail, lie, or are too large."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cache_origin import FILES, KEY, LIMITS, TOTAL, cache_of, files_below
from lockgate.coordination.journal import PIECE_BYTES
from lockgate.coordination.layout import Layout
from lockgate.coordination.providers import SourceFile
from lockgate.domain.claims import ModelStatus
from lockgate.errors import (
    ArtifactNotFound,
    DigestMismatch,
    InvalidInput,
    LimitExceeded,
    ServerUnreachable,
    Unavailable,
)


def test_broken_connection_is_resumed(tmp_path, backend, origin):
    """A stream that breaks off goes on where it stopped."""
    origin.cut_after = [PIECE_BYTES + 7, PIECE_BYTES]
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == TOTAL


def test_passing_failure_is_tried_again(tmp_path, backend, origin):
    """A failure is recorded and retried, a bounded number of times."""
    origin.faults = [ServerUnreachable(url="mem", detail="busy")] * 2
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
        assert (cache.counts()["failures"], cache.counts()["takeovers"]) == (2, 2)


def test_lasting_failure_is_raised_and_recorded(tmp_path, backend, origin):
    """After the last attempt the caller gets the origin's own error, and the record its words."""
    origin.faults = [ServerUnreachable(url="mem", detail="busy")] * 9
    with cache_of(tmp_path, backend, origin) as cache:
        with pytest.raises(ServerUnreachable, match="No answer from mem: busy"):
            cache.ensure("mem://m")
        assert cache.counts()["failures"] == 3
    record = backend.get_model_record(KEY)
    assert record is not None
    assert (record.status, record.message) == (ModelStatus.ERROR, "No answer from mem: busy")


@pytest.mark.parametrize(
    "error",
    [
        ArtifactNotFound(reference="m"),
        InvalidInput(detail="bad"),
        LimitExceeded(what="x", observed=2, limit=1),
    ],
)
def test_final_failure_is_not_tried_again(tmp_path, backend, origin, error):
    """What another try cannot mend is raised at once."""
    origin.faults = [error]
    with cache_of(tmp_path, backend, origin) as cache, pytest.raises(type(error)):
        cache.ensure("mem://m")
    assert origin.lists == 1
    assert backend.get_status(KEY) is ModelStatus.ERROR


def test_earlier_failure_does_not_bind(tmp_path, backend, origin):
    """Whoever asks anew after a failure gets a new attempt."""
    backend.set_status(KEY, ModelStatus.ERROR, "yesterday")
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES


def test_wrong_bytes_are_never_published(tmp_path, backend, origin):
    """Bytes that are not what the origin promised fail the download and leave no copy."""
    origin.lying_digest = "0" * 64
    with cache_of(tmp_path, backend, origin) as cache, pytest.raises(DigestMismatch):
        cache.ensure("mem://m")
    assert Layout(tmp_path).list_copies() == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a\\b", "", "a//b", "a\x00"])
def test_hostile_paths_are_refused(path):
    """A file that would lie outside the model's folder is not even described."""
    with pytest.raises(InvalidInput):
        SourceFile(path)


def test_models_beyond_the_limit_are_refused(tmp_path, backend, origin):
    """A model larger than allowed is refused before its bytes are fetched."""
    limits = replace(LIMITS, model_bytes_max=TOTAL - 1)
    cache = cache_of(tmp_path, backend, origin, limits=limits)
    with cache, pytest.raises(LimitExceeded):
        cache.ensure("mem://m")
    assert origin.bytes_given == 0


def test_full_disk_is_said_plainly(tmp_path, backend, origin):
    """A folder that cannot be written is Unavailable, not a crash."""
    (tmp_path / "staging").write_text("a file where a folder should be")
    cache = cache_of(tmp_path, backend, origin)
    with cache, pytest.raises(Unavailable, match="Cannot write below"):
        cache.ensure("mem://m")
