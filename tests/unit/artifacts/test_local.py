"""The local store on a hostile or failing disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockgate.artifacts import layout
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.store import blob_digest
from lockgate.errors import BlobNotFound, BlobStoreUnavailable

DATA = b"bytes"
DIGEST = blob_digest(DATA)
PATH = layout.blob_path(DIGEST)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    opened = LocalStore(tmp_path / "store")
    yield opened
    opened.close()


def test_layout_on_disk(store: LocalStore) -> None:
    """A blob lies where the layout says, with nothing left in the folder of writes."""
    store.put_many([(DIGEST, DATA)])
    assert (store.root / "blobs" / DIGEST[7:9] / DIGEST[7:]).read_bytes() == DATA
    assert os.listdir(store.root / "tmp") == []


def test_a_linked_blob_is_not_followed(store: LocalStore, tmp_path: Path) -> None:
    """A symbolic link in a blob's place is neither read, nor taken for the blob, nor written."""
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    place = store.root / PATH
    place.parent.mkdir(parents=True)
    place.symlink_to(secret)
    with pytest.raises(BlobStoreUnavailable, match="symbolic link"):
        store.read(DIGEST)
    assert store.missing([DIGEST]) == {DIGEST}
    assert list(store.list_blobs()) == []
    store.delete(DIGEST)
    assert secret.read_bytes() == DATA


def test_a_linked_folder_is_not_followed(store: LocalStore, tmp_path: Path) -> None:
    """A symbolic link in place of a folder stops every write and read before it leaves the root."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (store.root / "blobs").symlink_to(outside)
    with pytest.raises(BlobStoreUnavailable):
        store.put_many([(DIGEST, DATA)])
    with pytest.raises(BlobStoreUnavailable):
        store.read(DIGEST)
    assert os.listdir(outside) == []
    assert os.listdir(store.root / "tmp") == []


def test_a_pipe_does_not_block(store: LocalStore) -> None:
    """A named pipe in a blob's place is an error at once."""
    place = store.root / PATH
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    with pytest.raises(BlobStoreUnavailable):
        store.read(DIGEST)
    assert store.missing([DIGEST]) == {DIGEST}


def test_interrupted_writes_are_strays(store: LocalStore) -> None:
    """A temporary file of a stopped program is no blob, is listed as a stray, and can go."""
    store.put_many([(DIGEST, DATA)])
    (store.root / "tmp" / "abc").write_bytes(b"half")
    assert [item.name for item in store.list_blobs()] == [DIGEST]
    assert [(item.name, item.size) for item in store.list_strays()] == [("tmp/abc", 4)]
    store.delete_stray("tmp/abc")
    assert list(store.list_strays()) == []


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    """A root that cannot be a folder is BlobStoreUnavailable."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BlobStoreUnavailable):
        LocalStore(tmp_path / "file")


def test_the_disk_is_full(tmp_path: Path) -> None:
    """A write that the disk refuses is BlobStoreUnavailable, and leaves neither blob nor half."""
    import resource
    import signal

    store = LocalStore(tmp_path / "store")
    data = os.urandom(100_000)
    digest = blob_digest(data)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(BlobStoreUnavailable):
            store.put_many([(DIGEST, DATA), (digest, data)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(store.root / "tmp") == []
    assert store.missing([digest]) == {digest}
    store.put_many([(DIGEST, DATA), (digest, data)])
    assert store.read(digest) == data
    store.close()


def test_permission_denied(store: LocalStore) -> None:
    """A folder that may not be written is BlobStoreUnavailable; what is there is still read."""
    store.put_many([(DIGEST, DATA)])
    other = b"other"
    temporary = store.root / "tmp"
    if os.geteuid() == 0:
        # root may write anywhere: a file in the folder's place refuses it just as well.
        temporary.rmdir()
        temporary.write_bytes(b"")
    else:
        temporary.chmod(0o500)
    with pytest.raises(BlobStoreUnavailable):
        store.put_many([(blob_digest(other), other)])
    assert store.read(DIGEST) == DATA
    if temporary.is_dir():
        temporary.chmod(0o700)


def test_absent_is_absent(store: LocalStore) -> None:
    """An empty folder holds no blob and lists nothing."""
    with pytest.raises(BlobNotFound):
        store.read(DIGEST)
    assert (list(store.list_blobs()), list(store.list_manifests())) == ([], [])
