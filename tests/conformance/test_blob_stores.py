"""What every blob store promises, asked of each: a local folder, memory, S3, Google, Azure.

Google and Azure are what `cloud_fakes` answers for them, or the real ones at LOCKGATE_TEST_GS_URL
(``gs://bucket/prefix``) and LOCKGATE_TEST_AZ_URL (``az://account/container/prefix``). S3 is a
server started for the run; LOCKGATE_TEST_S3_URL (``s3://bucket/prefix?endpoint=…``) points the
same tests at another one.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import httpx
import pytest

from cloud_fakes import azure, google
from lockgate.artifacts import layout
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.objects import ObjectStore
from lockgate.artifacts.opening import open_store
from lockgate.artifacts.pulling import pull_tree
from lockgate.artifacts.pushing import push_tree
from lockgate.artifacts.store import (
    BLOB_BYTES_MAX,
    UPLOAD_HEADERS,
    BlobStore,
    HashedBlob,
    blob_digest,
)
from lockgate.domain.digests import sha256_digest
from lockgate.domain.manifests import parse_manifest
from lockgate.errors import (
    BlobNotFound,
    BlobStoreUnavailable,
    DigestMismatch,
    InvalidInput,
    InvalidSetting,
    LimitExceeded,
)

HELLO = b"hello, lock"
HELLO_DIGEST = blob_digest(HELLO)
OTHER_DIGEST = blob_digest(b"other")
CLOUDS = {"gs": google, "az": azure}


@pytest.fixture(params=["local", "memory", "s3", "gs", "az"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStore | ObjectStore]:
    """An empty store of each kind."""
    if request.param in CLOUDS:
        given = os.environ.get(f"LOCKGATE_TEST_{request.param.upper()}_URL")
        fake = CLOUDS[request.param]
        with fake(uuid.uuid4().hex) if given is None else nullcontext(None) as faked:
            opened = faked or open_store(f"{given}/{uuid.uuid4().hex}")
            assert isinstance(opened, ObjectStore)
            yield opened
            opened.close()
        return
    if request.param == "local":
        opened = open_store(str(tmp_path / "store"))
    elif request.param == "memory":
        opened = open_store("memory://")
    else:
        base, _, query = request.getfixturevalue("s3_url").partition("?")
        opened = open_store(f"{base}/{uuid.uuid4().hex}?{query}")
    assert isinstance(opened, (LocalStore, ObjectStore))
    yield opened
    opened.close()


def tamper(store: BlobStore, path: str, data: bytes) -> None:
    """Overwrite a stored item behind the store's back."""
    if isinstance(store, LocalStore):
        (store.root / path).write_bytes(data)
    else:
        assert isinstance(store, ObjectStore)
        store._put(path, data)


def test_put_then_read(store: BlobStore) -> None:
    """What was put is read back whole and in ranges; a range ends where the blob ends."""
    store.put_many([(HELLO_DIGEST, HELLO), (blob_digest(b""), b"")])
    assert store.read(HELLO_DIGEST) == HELLO
    assert store.read(blob_digest(b"")) == b""
    assert store.read_range(HELLO_DIGEST, 7, 2) == b"lo"
    assert store.read_range(HELLO_DIGEST, 7, 100) == b"lock"
    assert store.read_range(HELLO_DIGEST, 100, 5) == b""
    assert store.read_range(HELLO_DIGEST, 3, 0) == b""


def test_put_is_idempotent(store: BlobStore) -> None:
    """The same blob put again, also twice in one call, is kept once."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    store.put_many([(HELLO_DIGEST, HELLO), (HELLO_DIGEST, HELLO)])
    assert [(item.name, item.size) for item in store.list_blobs()] == [(HELLO_DIGEST, len(HELLO))]


def test_put_nothing(store: BlobStore) -> None:
    """An empty batch is no error."""
    store.put_many([])
    assert list(store.list_blobs()) == []


def test_the_callers_memory_is_the_callers(store: BlobStore) -> None:
    """What was put stays what it was when the memory it came from is used for something else."""
    memory = bytearray(HELLO)
    store.put_many([(HELLO_DIGEST, memoryview(memory))])
    memory[:] = bytes(len(memory))
    assert store.read(HELLO_DIGEST) == HELLO


def test_wrong_bytes_are_refused(store: BlobStore) -> None:
    """Bytes that are not their digest are refused, and then no blob of the batch is kept."""
    with pytest.raises(DigestMismatch):
        store.put_many([(HELLO_DIGEST, HELLO), (OTHER_DIGEST, b"not other")])
    assert store.missing([HELLO_DIGEST, OTHER_DIGEST]) == {HELLO_DIGEST, OTHER_DIGEST}


def test_what_was_hashed_here_lies_under_its_own_name(store: BlobStore) -> None:
    """A blob that was named by hashing it is kept under the digest of its bytes."""
    blob = HashedBlob.of(memoryview(bytearray(b"hashed here")))
    assert blob.digest == blob_digest(b"hashed here")
    store.put_many([blob])
    assert store.read(blob.digest) == b"hashed here"


def test_a_blob_is_bounded(store: BlobStore) -> None:
    """A blob over the limit is refused."""
    data = bytes(BLOB_BYTES_MAX + 1)
    with pytest.raises(LimitExceeded):
        store.put_many([(blob_digest(data), data)])


def test_missing(store: BlobStore) -> None:
    """Only what is not there is missing."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    assert store.missing([HELLO_DIGEST, OTHER_DIGEST, OTHER_DIGEST]) == {OTHER_DIGEST}
    assert store.missing([]) == set()


def test_absent_blobs(store: BlobStore) -> None:
    """A blob that is not there is BlobNotFound to read, and nothing to delete or set aside."""
    with pytest.raises(BlobNotFound):
        store.read(HELLO_DIGEST)
    with pytest.raises(BlobNotFound):
        store.read_range(HELLO_DIGEST, 0, 1)
    with pytest.raises(BlobNotFound):
        store.admit(HELLO_DIGEST)
    store.delete(HELLO_DIGEST)
    store.set_aside(HELLO_DIGEST)
    assert list(store.list_strays()) == []


def test_delete(store: BlobStore) -> None:
    """A deleted blob is gone."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    store.delete(HELLO_DIGEST)
    assert store.missing([HELLO_DIGEST]) == {HELLO_DIGEST}
    assert list(store.list_blobs()) == []


@pytest.mark.parametrize(
    "digest",
    [
        "", "blake3:", "blake3:../../etc/passwd", "blake3:" + "A" * 64, "blake3:" + "a" * 63,
        "blake3:" + "a" * 65, "blake3:" + "a" * 64 + "\n", "sha256:" + "a" * 64, "a" * 64,
        "md5:" + "a" * 32,
    ],
)  # fmt: skip
def test_malformed_digests(store: BlobStore, digest: str) -> None:
    """A text that is not a blob's digest never becomes a path."""
    for call in (
        lambda: store.read(digest),
        lambda: store.read_range(digest, 0, 1),
        lambda: store.missing([digest]),
        lambda: store.delete(digest),
        lambda: store.set_aside(digest),
        lambda: store.put_many([(digest, b"")]),
        lambda: store.find_download_url(digest, 60),
        lambda: store.find_upload_url(digest, 60),
        lambda: store.admit(digest),
    ):
        with pytest.raises(InvalidInput):
            call()


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_negative_ranges(store: BlobStore, start: int, length: int) -> None:
    """A range that starts before the blob or has a negative length is refused."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    with pytest.raises(InvalidInput):
        store.read_range(HELLO_DIGEST, start, length)


def test_damage_is_found_set_aside_and_repaired(store: BlobStore) -> None:
    """A flipped byte is refused on reading; once set aside, the blob is missing and put again."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    tamper(store, layout.blob_path(HELLO_DIGEST), b"hellO, lock")
    with pytest.raises(DigestMismatch):
        store.read(HELLO_DIGEST)
    store.set_aside(HELLO_DIGEST)
    assert store.missing([HELLO_DIGEST]) == {HELLO_DIGEST}
    assert [item.name.partition("/")[0] for item in store.list_strays()] == ["corrupt"]
    store.put_many([(HELLO_DIGEST, HELLO)])
    assert store.read(HELLO_DIGEST) == HELLO


@pytest.mark.parametrize("damage", [b"hellO, lock", b"hell", b""])
def test_putting_again_repairs(store: BlobStore, damage: bytes) -> None:
    """Putting a blob whose stored bytes are damaged or cut short makes it whole."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    tamper(store, layout.blob_path(HELLO_DIGEST), damage)
    store.put_many([(HELLO_DIGEST, HELLO)])
    assert store.read(HELLO_DIGEST) == HELLO


def test_manifests_are_kept_apart(store: BlobStore) -> None:
    """A manifest is kept under its SHA-256, verified, listed and deleted apart from blobs."""
    data = b'{"files":[]}'
    digest = sha256_digest(data)
    with pytest.raises(DigestMismatch):
        store.put_manifest(digest, b"{}")
    with pytest.raises(BlobNotFound):
        store.read_manifest(digest)
    store.put_manifest(digest, data)
    store.put_manifest(digest, data)
    assert store.read_manifest(digest) == data
    assert [(item.name, item.size) for item in store.list_manifests()] == [(digest, len(data))]
    assert list(store.list_blobs()) == []
    tamper(store, layout.manifest_path(digest), b"{}")
    with pytest.raises(DigestMismatch):
        store.read_manifest(digest)
    store.delete_manifest(digest)
    store.delete_manifest(digest)
    assert list(store.list_manifests()) == []
    with pytest.raises(InvalidInput):
        store.put_manifest(HELLO_DIGEST, HELLO)


def test_many_blobs(store: BlobStore) -> None:
    """A batch larger than what is handled at once is kept whole and listed whole."""
    blobs = [(blob_digest(data), data) for data in (f"blob {i}".encode() for i in range(300))]
    store.put_many(blobs)
    assert {(item.name, item.size) for item in store.list_blobs()} == {
        (digest, len(data)) for digest, data in blobs
    }
    assert store.missing([digest for digest, _ in blobs]) == set()


def test_ages_are_by_the_stores_clock(store: BlobStore) -> None:
    """Items are dated by the clock that clock_s reads (to the second that S3 keeps)."""
    before_s = store.clock_s()
    store.put_many([(HELLO_DIGEST, HELLO)])
    after_s = store.clock_s()
    (item,) = store.list_blobs()
    assert before_s - 1 <= item.modified_s <= after_s + 1
    assert list(store.list_strays()) == []


def test_foreign_files_are_not_content(store: BlobStore) -> None:
    """A file that is not named as a digest in its own folder is no blob."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    digits = OTHER_DIGEST.partition(":")[2]
    shard = layout.blob_path(HELLO_DIGEST).split("/")[1]
    tamper(store, f"blobs/{shard}/README", b"x")
    tamper(store, f"blobs/{shard}/{digits}", b"other")
    assert [item.name for item in store.list_blobs()] == [HELLO_DIGEST]


@pytest.mark.parametrize(
    "name", ["blobs/aa", "tmp/", "tmp/..", "tmp/../x", "clock", "../x", "corrupt/a/b", ""]
)
def test_only_strays_are_deleted_as_strays(store: BlobStore, name: str) -> None:
    """delete_stray touches nothing but what lies in a folder for strays."""
    with pytest.raises(InvalidInput):
        store.delete_stray(name)


def test_a_stray_is_deleted(store: BlobStore) -> None:
    """What list_strays names can be deleted, twice."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    store.set_aside(HELLO_DIGEST)
    (stray,) = store.list_strays()
    store.delete_stray(stray.name)
    store.delete_stray(stray.name)
    assert list(store.list_strays()) == []


def test_put_at_the_same_time(store: BlobStore) -> None:
    """The same new blobs put by several threads at once are all there afterwards."""
    blobs = [(blob_digest(data), data) for data in (f"same {i}".encode() for i in range(40))]
    errors: list[BaseException] = []

    def put() -> None:
        try:
            store.put_many(blobs)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [store.read(digest) for digest, _ in blobs] == [data for _, data in blobs]
    assert list(store.list_strays()) == []


def test_urls(store: BlobStore) -> None:
    """Where the store has URLs, one serves a blob, and one takes a blob that admit then keeps."""
    store.put_many([(HELLO_DIGEST, HELLO)])
    download = store.find_download_url(HELLO_DIGEST, 60)
    upload = store.find_upload_url(OTHER_DIGEST, 60)
    if download is None or upload is None:
        assert (download, upload) == (None, None)
        assert not isinstance(store, ObjectStore) or store.place == "memory://"
        return
    assert httpx.get(download, trust_env=False).content == HELLO
    httpx.put(upload, content=b"other", headers=UPLOAD_HEADERS, trust_env=False).raise_for_status()
    assert store.missing([OTHER_DIGEST]) == {OTHER_DIGEST}
    store.admit(OTHER_DIGEST)
    assert store.read(OTHER_DIGEST) == b"other"
    assert list(store.list_strays()) == []


def test_what_one_sends_is_admitted_for_nobody_else(store: BlobStore) -> None:
    """Senders have places of their own: of what one left there no other has anything."""
    upload = store.find_upload_url(OTHER_DIGEST, 60, "ana")
    if upload is not None:
        put = httpx.put(upload, content=b"other", headers=UPLOAD_HEADERS, trust_env=False)
        put.raise_for_status()
    for other in ("", "eve", "ana "):
        with pytest.raises(BlobNotFound):
            store.admit(OTHER_DIGEST, other)
    assert store.missing([OTHER_DIGEST]) == {OTHER_DIGEST}
    if upload is not None:
        store.admit(OTHER_DIGEST, "ana")
        assert store.missing([OTHER_DIGEST]) == set()
    assert list(store.list_strays()) == []


def test_a_false_upload_is_not_admitted(store: BlobStore) -> None:
    """Bytes left at an upload URL that are not the blob are refused and deleted."""
    upload = store.find_upload_url(OTHER_DIGEST, 60)
    if upload is None:
        with pytest.raises(BlobNotFound):
            store.admit(OTHER_DIGEST)
        return
    httpx.put(upload, content=b"false", headers=UPLOAD_HEADERS, trust_env=False).raise_for_status()
    with pytest.raises(DigestMismatch):
        store.admit(OTHER_DIGEST)
    assert store.missing([OTHER_DIGEST]) == {OTHER_DIGEST}
    assert list(store.list_strays()) == []


def test_push_and_pull(store: BlobStore, tmp_path: Path) -> None:
    """A folder pushed into the store is pulled out of it, byte for byte; again costs nothing."""
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "weights.bin").write_bytes(random.Random(0).randbytes(6 * 2**20))
    (tree / "sub" / "config.json").write_text("{}")
    pushed = push_tree(tree, store)
    store.put_manifest(pushed.manifest.digest, pushed.manifest.encoded)
    assert push_tree(tree, store).chunks_sent == 0
    manifest = parse_manifest(store.read_manifest(pushed.manifest.digest))
    pull_tree(manifest, partial(map, store.read), tmp_path / "out")
    for file in manifest.files:
        assert (tmp_path / "out" / file.path).read_bytes() == (tree / file.path).read_bytes()


# --- one kind only ---------------------------------------------------------------------------


def test_an_absent_bucket_is_not_an_absent_blob(s3_url: str) -> None:
    """Reading or writing where there is no bucket is BlobStoreUnavailable, not BlobNotFound."""
    query = s3_url.partition("?")[2]
    store = open_store(f"s3://no-such-bucket-{uuid.uuid4().hex}?{query}")
    with pytest.raises(BlobStoreUnavailable):
        store.read(HELLO_DIGEST)
    with pytest.raises(BlobStoreUnavailable):
        store.put_many([(HELLO_DIGEST, HELLO)])


def test_an_unreachable_store(s3_url: str) -> None:
    """A store that does not answer is BlobStoreUnavailable, never "not found"."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    store = open_store(f"s3://bucket?endpoint=http://127.0.0.1:{port}&region=us-east-1")
    with pytest.raises(BlobStoreUnavailable):
        store.missing([HELLO_DIGEST])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x", "http://host/x", "file://host/share", "s3://user:secret@bucket/x",
        "s3://bucket/x?access_key_id=1", "gs://bucket?endpoint=http://x",
    ],
)  # fmt: skip
def test_urls_that_name_no_store(url: str) -> None:
    """A URL of another scheme, with credentials or unknown options, is refused without them."""
    with pytest.raises(InvalidSetting) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_an_account_and_a_container_by_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's URL says account, container and prefix; the environment has the key alone."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "another")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    store = open_store("az://models/files/below/this")
    url = store.find_download_url(HELLO_DIGEST, 60) or ""
    place = "https://models.blob.core.windows.net/files/below/this/"
    assert url.partition("?")[0] == place + layout.blob_path(HELLO_DIGEST)


def test_a_folder_by_url(tmp_path: Path) -> None:
    """A file URL names the folder, percent-decoded."""
    store = open_store(f"file://{tmp_path}/a%20b")
    assert isinstance(store, LocalStore)
    assert store.root == tmp_path / "a b"
    store.close()


def test_a_store_has_one_owner(store: BlobStore) -> None:
    """Who writes first owns it, and everybody is told the same; only replacing changes that."""
    assert store.read_owner() is None
    barrier = threading.Barrier(4)
    told: list[bytes] = []

    def claim(name: bytes) -> None:
        barrier.wait()
        told.append(store.put_owner(name))

    claimers = [threading.Thread(target=claim, args=(b"%d" % number,)) for number in range(4)]
    for each in claimers:
        each.start()
    for each in claimers:
        each.join()
    assert set(told) == {store.read_owner()}
    assert store.put_owner(b"late") == told[0]
    assert store.put_owner(b"heir", replace=True) == b"heir" == store.read_owner()
    assert list(store.list_strays()) == list(store.list_blobs()) == []
