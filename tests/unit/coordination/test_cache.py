"""One download for however many want it, with owners, origins and backends that fail."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lockgate.coordination.cache import CacheLimits, ModelCache
from lockgate.coordination.journal import PIECE_BYTES
from lockgate.coordination.layout import Layout
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.providers import SourceFile, require_files, without_weights
from lockgate.domain.claims import Claimed, ModelKey, ModelStatus, Progress
from lockgate.errors import (
    ArtifactNotFound,
    CoordinatorUnavailable,
    DigestMismatch,
    InvalidInput,
    LimitExceeded,
    ServerUnreachable,
    Unavailable,
)

LIMITS = CacheLimits(
    lease_s=0.3, look_s=0.05, disk_look_s=0.01, outage_s_max=0.3, wait_s_max=20, reader_lease_s=5
)
BIG = bytes(range(256)) * (3 * PIECE_BYTES // 256) + b"end"
FILES = {"config.json": b"{}", "weights/a.safetensors": BIG, "empty.txt": b""}


class Origin:
    """Models in memory. Counts the bytes it gave out; can fail and can be held up."""

    name = "mem"

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(FILES if files is None else files)
        self.bytes_given = 0
        self.lists = 0
        self.faults: list[Exception] = []
        self.cut_after: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        self.lying_digest = ""

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        return ModelKey(
            "mem", reference.removeprefix("mem://"), without_weights("1", ignore_weights)
        )

    def close(self) -> None:
        """Nothing to do."""

    def list_files(self, key: ModelKey) -> list[SourceFile]:
        self.lists += 1
        if self.faults:
            raise self.faults.pop(0)
        return require_files(
            key,
            [
                SourceFile(
                    path, len(data), self.lying_digest or hashlib.sha256(data).hexdigest(), "v1"
                )
                for path, data in self.files.items()
            ],
        )

    def read(self, _: ModelKey, file: SourceFile, offset: int):
        data = self.files[file.path]
        cut = self.cut_after.pop(0) if self.cut_after and len(data) > PIECE_BYTES else len(data)
        for start in range(offset, min(len(data), offset + cut), 1 << 20):
            piece = data[start : min(start + (1 << 20), offset + cut)]
            self.bytes_given += len(piece)
            yield piece
            if start > PIECE_BYTES:
                self.reached.set()
                self.gate.wait(20)
        if offset + cut < len(data):
            raise ServerUnreachable(url="mem", detail="cut")


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


def cache_of(root: Path, backend, origin, **options) -> ModelCache:
    options = {"limits": LIMITS, **options}
    return ModelCache(root, backend, providers=[origin], **options)


def files_below(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file()
    }


KEY = ModelKey("mem", "m", "1")
TOTAL = sum(map(len, FILES.values()))


def test_miss_downloads_and_hit_does_not(tmp_path, backend, origin):
    """The first to ask downloads every file, the second finds them; both get the same folder."""
    with cache_of(tmp_path, backend, origin) as cache:
        paths = [cache.ensure("mem://m") for _ in range(2)]
        counts = cache.counts()
    assert files_below(paths[0]) == FILES
    assert paths[0] == paths[1]
    assert (origin.bytes_given, origin.lists) == (TOTAL, 1)
    assert (counts["misses"], counts["hits"], counts["claims_won"]) == (1, 1, 1)
    assert (counts["bytes_fetched"], counts["bytes_saved"]) == (TOTAL, TOTAL)
    record = backend.get_model_record(KEY)
    assert record is not None
    assert record.status is ModelStatus.DOWNLOADED
    assert [folder.name for folder in (tmp_path / "staging").rglob("*")] == [KEY.slug]


def test_hit_needs_no_backend(tmp_path, backend, origin):
    """What is on the disk is returned whether the backend answers or not."""
    with cache_of(tmp_path, backend, origin) as cache:
        cache.ensure("mem://m")
    with cache_of(tmp_path, Outage(backend, always=True), origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
        cache.close()
        assert cache.counts()["uses_unnoted"] == 1


def test_hits_are_uses(tmp_path, backend, origin):
    """A hit moves the model to the end of the order of use."""
    with cache_of(tmp_path, backend, origin) as cache:
        for name in ("a", "b", "a"):
            cache.ensure(f"mem://{name}")
    assert [r.model_name for r in backend.get_models_by_last_used()] == ["b", "a"]


def test_many_threads_and_caches_download_once(tmp_path, backend, origin):
    """Of all who ask at once, one downloads and the others wait; they are told what goes on."""
    origin.gate.clear()
    caches = [cache_of(tmp_path, backend, origin) for _ in range(4)]
    paths, events = [], []

    def ask(cache: ModelCache) -> None:
        paths.append(cache.ensure("mem://m", on_event=events.append))

    threads = [threading.Thread(target=ask, args=(cache,)) for cache in caches * 3]
    for thread in threads:
        thread.start()
    assert origin.reached.wait(20)
    deadline_s = time.monotonic() + 20
    while not any(e.state == "waiting" and e.progress and e.progress.bytes_done for e in events):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    origin.gate.set()
    for thread in threads:
        thread.join()
    for cache in caches:
        cache.close()
    assert len(paths) == 12
    assert len(set(paths)) == 1
    assert origin.bytes_given == TOTAL
    assert {event.state for event in events} >= {"waiting", "downloading", "downloaded"}


def test_without_weights_is_another_model(tmp_path, backend, origin):
    """Leaving the weights out is part of the key, and of nothing else."""
    with cache_of(tmp_path, backend, origin) as cache:
        small = cache.ensure("mem://m", ignore_weights=True)
        assert set(files_below(small)) == {"config.json", "empty.txt"}
        assert files_below(cache.ensure("mem://m")) == FILES
    assert len(backend.get_models_by_last_used()) == 2


def test_every_node_has_its_own(tmp_path, backend, origin):
    """With a disk for each machine there is one download for each machine."""
    for node in ("a", "b", "a"):
        root = tmp_path / node
        with cache_of(root, backend, origin, scope="node", node=node) as cache:
            assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == 2 * TOTAL
    assert {record.key.node for record in backend.get_models_by_last_used()} == {"a", "b"}


# --- owners that fail ------------------------------------------------------------------------


def staged_by_the_dead(tmp_path: Path, backend, origin, pieces: int) -> Claimed:
    """Leave a claim and a partial download behind, as an owner does that is killed."""
    from lockgate.coordination.journal import Receiving

    claim = backend.try_claim_for_download(KEY, lease_s=0.3)
    assert isinstance(claim, Claimed)
    staging = Layout(tmp_path).staging(claim)
    for part in ("partial", "journal", "files"):
        (staging / part / "weights").mkdir(parents=True)
    [file] = [f for f in origin.list_files(KEY) if f.path == "weights/a.safetensors"]
    receiving = Receiving(staging / "partial" / file.path, staging / "journal" / file.path, file)
    for number in range(pieces):
        receiving.append(BIG[number * PIECE_BYTES : (number + 1) * PIECE_BYTES])
    receiving.close(durable=False)
    return claim


def test_silent_owner_is_replaced_and_its_bytes_are_kept(tmp_path, backend, origin):
    """A waiter takes over after a lease without a heartbeat and fetches only what is missing."""
    staged_by_the_dead(tmp_path, backend, origin, pieces=2)
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
        counts = cache.counts()
    assert origin.bytes_given == TOTAL - 2 * PIECE_BYTES
    assert (counts["takeovers"], counts["bytes_salvaged"]) == (1, 2 * PIECE_BYTES)


def test_damaged_salvage_is_fetched_again(tmp_path, backend, origin):
    """Left bytes are trusted only as far as their journal vouches for them."""
    claim = staged_by_the_dead(tmp_path, backend, origin, pieces=2)
    partial = Layout(tmp_path).staging(claim) / "partial" / "weights" / "a.safetensors"
    damaged = bytearray(partial.read_bytes())
    damaged[PIECE_BYTES + 5] ^= 1
    partial.write_bytes(damaged)
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == TOTAL - PIECE_BYTES


def test_salvage_of_other_bytes_is_not_used(tmp_path, backend, origin):
    """What was left under another version of the file is of no use."""
    staged_by_the_dead(tmp_path, backend, origin, pieces=2)
    origin.files["weights/a.safetensors"] = BIG[::-1]
    with cache_of(tmp_path, backend, origin) as cache:
        path = cache.ensure("mem://m")
    assert (path / "weights/a.safetensors").read_bytes() == BIG[::-1]
    assert origin.bytes_given == TOTAL


def test_owner_that_lost_its_claim_publishes_nothing(tmp_path, backend, origin):
    """Once another has the claim, the first one's download stops and it waits like the others."""
    origin.gate.clear()
    cache = cache_of(tmp_path, backend, origin)
    paths = []
    thread = threading.Thread(target=lambda: paths.append(cache.ensure("mem://m")))
    thread.start()
    assert origin.reached.wait(20)
    seen = backend.get_model_record(KEY)
    assert seen is not None
    heir = backend.try_take_over(seen, lease_s=60)
    while heir is None:  # a heartbeat came in between
        heir = backend.try_take_over(backend.get_model_record(KEY), lease_s=60)
    origin.gate.set()
    deadline_s = time.monotonic() + 20
    while not cache.counts().get("claims_taken_away"):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert Layout(tmp_path).list_copies() == []
    record = backend.get_model_record(KEY)
    assert record is not None
    assert (record.status, record.holder) == (ModelStatus.DOWNLOADING, heir.holder)
    backend.fail(heir, "given back by the test")
    thread.join()
    cache.close()
    assert files_below(paths[0]) == FILES


def test_published_but_unfinished_download_is_a_hit(tmp_path, backend, origin):
    """An owner that died between its files and its last word costs no second download."""
    with cache_of(tmp_path, backend, origin) as cache:
        cache.ensure("mem://m")
    backend.delete_model(KEY)
    backend.try_claim_for_download(KEY)
    with cache_of(tmp_path, backend, origin) as cache:
        assert files_below(cache.ensure("mem://m")) == FILES
    assert origin.bytes_given == TOTAL


def test_lost_files_are_downloaded_again_once(tmp_path, backend, origin):
    """DOWNLOADED without files is claimed again; the copy that lacks files is cleared away."""
    with cache_of(tmp_path, backend, origin) as cache:
        first = cache.ensure("mem://m")
        (first / "config.json").unlink()
        second = cache.ensure("mem://m")
    assert files_below(second) == FILES
    assert not first.exists()
    assert origin.bytes_given == 2 * TOTAL


def test_files_that_are_lost_again_are_an_error(tmp_path, backend, origin):
    """Callers that share a backend but not the folder are told so instead of taking turns."""
    backend.set_status(KEY, ModelStatus.DOWNLOADED)

    class Forgetful(Origin):
        def list_files(self, key):
            seen = backend.get_model_record(key)
            backend.set_status(key, ModelStatus.DOWNLOADED)  # somebody elsewhere finishes
            assert seen is not None
            return super().list_files(key)

    with cache_of(tmp_path, backend, Forgetful()) as cache:
        with pytest.raises(Unavailable, match="do all who use this backend share that folder"):
            cache.ensure("mem://m")
        assert cache.counts()["takeovers"] == 1


# --- origins that fail -----------------------------------------------------------------------


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


# --- backends that fail ----------------------------------------------------------------------


class Outage:
    """A backend that is away for a number of calls, or always."""

    def __init__(self, backend: MemoryBackend, *, calls: int = 0, always: bool = False) -> None:
        self._backend, self.calls, self.always = backend, calls, always

    def __getattr__(self, name: str):
        method = getattr(self._backend, name)

        def call(*arguments, **options):
            if self.always or self.calls > 0:
                self.calls -= 1
                raise CoordinatorUnavailable(detail="gone fishing")
            return method(*arguments, **options)

        return call


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


def test_progress_reaches_the_record(tmp_path, backend, origin):
    """The owner's heartbeat tells everyone how far it is."""
    origin.gate.clear()
    cache = cache_of(tmp_path, backend, origin)
    thread = threading.Thread(target=lambda: cache.ensure("mem://m"))
    thread.start()
    assert origin.reached.wait(20)
    deadline_s = time.monotonic() + 20
    while (record := backend.get_model_record(KEY)) is None or record.heartbeat < 2:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    origin.gate.set()
    thread.join()
    cache.close()
    assert isinstance(record.progress, Progress)
    assert record.progress.bytes_total == TOTAL
    assert 0 < record.progress.bytes_done < TOTAL


def test_unknown_scheme_names_the_known_ones(tmp_path, backend, origin):
    """A reference that no provider takes says which there are."""
    with cache_of(tmp_path, backend, origin) as cache:
        with pytest.raises(InvalidInput, match="no provider for 'ftp' here; there are: mem"):
            cache.ensure("ftp://x")
        with pytest.raises(InvalidInput, match="no provider for 'lockgate' here"):
            cache.ensure("churn@production")
