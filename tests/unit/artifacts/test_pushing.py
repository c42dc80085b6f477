"""Pushing: one honest manifest, only what is missing is sent, nothing but regular files."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pushing import hash_tree, push_tree
from lockgate.artifacts.remembered import HashMemory
from lockgate.artifacts.sending import PushProgress
from lockgate.artifacts.store import Data, blob_digest
from lockgate.domain.manifests import ManifestLimits, parse_manifest
from lockgate.errors import Conflict, InvalidInput, InvalidManifest, Unavailable


class Shelf:
    """A sink in memory that counts what it is asked and given."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.bytes_put = 0
        self.questions = 0
        self.lock = threading.Lock()

    def missing(self, digests: Collection[str]) -> set[str]:
        with self.lock:
            self.questions += 1
            return {digest for digest in digests if digest not in self.blobs}

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        for digest, data in blobs:
            assert blob_digest(data) == digest
            with self.lock:
                self.blobs[digest] = bytes(data)
                self.bytes_put += len(data)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    (root / "sub" / "deep").mkdir(parents=True)
    tensors = {f"t{i}": np.full(100_000, i, dtype=np.float32) for i in range(6)}
    tensors["big"] = np.random.default_rng(0).standard_normal(5 * 2**20, dtype=np.float32)
    safetensors.numpy.save_file(tensors, root / "model.safetensors")
    (root / "weights.bin").write_bytes(np.random.default_rng(1).bytes(6 * 2**20))
    (root / "sub" / "config.json").write_text("{}")
    (root / "sub" / "deep" / "empty").write_bytes(b"")
    return root


def put_together(shelf: Shelf, digests: Sequence[str]) -> bytes:
    return b"".join(shelf.blobs[digest] for digest in digests)


def test_manifest_describes_the_tree(tree: Path) -> None:
    """Every file is listed with its digest, and its chunks put together are the file."""
    shelf = Shelf()
    manifest = push_tree(tree, shelf).manifest
    assert [file.path for file in manifest.files] == [
        "model.safetensors", "sub/config.json", "sub/deep/empty", "weights.bin",
    ]  # fmt: skip
    for file in manifest.files:
        data = (tree / file.path).read_bytes()
        assert put_together(shelf, [chunk.digest for chunk in file.chunks]) == data
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert parse_manifest(manifest.encoded) == manifest


def test_tensors_are_described(tree: Path) -> None:
    """Each tensor of a safetensors file has the digest of its own bytes, also over many chunks."""
    manifest = hash_tree(tree)
    data = (tree / "model.safetensors").read_bytes()
    tensors = manifest.files[0].tensors or ()
    assert {t.name for t in tensors} == {"big", "t0", "t1", "t2", "t3", "t4", "t5"}
    for tensor in tensors:
        raw = data[tensor.start : tensor.start + tensor.size]
        assert tensor.digest == blob_digest(raw)
    assert manifest.files[-1].tensors is None


def test_a_second_push_sends_nothing(tree: Path) -> None:
    """The same content again moves no chunk and has the same digest."""
    shelf = Shelf()
    first, second = push_tree(tree, shelf), push_tree(tree, shelf)
    assert (second.bytes_sent, second.chunks_sent) == (0, 0)
    assert second.manifest.digest == first.manifest.digest
    assert first.bytes_sent == shelf.bytes_put == sum(first.manifest.chunk_sizes.values())


def test_a_push_that_stopped_is_resumed(tree: Path) -> None:
    """A repeated push sends only the chunks that had not arrived."""
    shelf = Shelf()
    sizes = push_tree(tree, shelf).manifest.chunk_sizes
    lost = list(sizes)[1::3]
    for digest in lost:
        del shelf.blobs[digest]
    assert push_tree(tree, shelf).bytes_sent == sum(sizes[digest] for digest in lost)


def test_one_file(tmp_path: Path) -> None:
    """A file is pushed as a version of one file under its own name, whatever lies beside it."""
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "link").symlink_to("a.txt")
    assert [f.path for f in hash_tree(tmp_path / "a.txt").files] == ["a.txt"]


def test_small_files_are_asked_for_together(tmp_path: Path) -> None:
    """Many small files cost few questions."""
    for i in range(300):
        (tmp_path / f"{i}.txt").write_text(str(i))
    shelf = Shelf()
    push_tree(tmp_path, shelf)
    assert len(shelf.blobs) == 300
    assert shelf.questions == 3


def test_progress(tree: Path) -> None:
    """Progress rises to the total; what was deduplicated is not counted as sent."""
    seen: list[PushProgress] = []
    shelf = Shelf()
    pushed = push_tree(tree, shelf, on_progress=seen.append)
    size = pushed.manifest.size
    assert seen[-1] == PushProgress(size, size, pushed.bytes_sent)
    assert [p.bytes_done for p in seen] == sorted(p.bytes_done for p in seen)
    push_tree(tree, shelf, on_progress=seen.append)
    assert seen[-1] == PushProgress(size, size, 0)


# --- what is no file -------------------------------------------------------------------------


def test_everything_but_files_is_refused(tree: Path) -> None:
    """Links, pipes and sockets are all named, and nothing was sent."""
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "sub" / "folder").symlink_to("deep")
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "sock"))
        shelf = Shelf()
        with pytest.raises(InvalidManifest) as caught:
            push_tree(tree, shelf)
    assert caught.value.fields["faults"] == [
        "'link' is a symbolic link; a version holds regular files only",
        "'pipe' is a named pipe; a version holds regular files only",
        "'sock' is a socket; a version holds regular files only",
        "'sub/folder' is a symbolic link; a version holds regular files only",
    ]
    assert (shelf.blobs, shelf.questions) == ({}, 0)


def test_bad_names_are_refused_before_reading(tmp_path: Path) -> None:
    """Names that a manifest may not hold are all named at once."""
    for name in ("con.txt", "a\\b", "Readme", "README", "x\n"):
        (tmp_path / name).write_text("x")
    (tmp_path / os.fsdecode(b"\xff")).write_text("x")
    shelf = Shelf()
    with pytest.raises(InvalidManifest) as caught:
        push_tree(tmp_path, shelf)
    assert len(caught.value.fields["faults"]) == 5
    assert shelf.questions == 0


@pytest.mark.parametrize("name", ["absent", "dangling"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    """A path that leads nowhere is InvalidInput."""
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(InvalidInput, match="There is no file"):
        hash_tree(tmp_path / name)


def test_an_empty_folder(tmp_path: Path) -> None:
    """A folder without files is no version."""
    (tmp_path / "sub").mkdir()
    with pytest.raises(InvalidManifest, match="there is no file"):
        hash_tree(tmp_path)


def test_limits(tree: Path) -> None:
    """Too many files are refused before anything is read."""
    with pytest.raises(InvalidManifest, match="4 files, more than 3"):
        hash_tree(tree, limits=ManifestLimits(files_max=3))


def test_an_unreadable_file(tmp_path: Path) -> None:
    """A file that vanishes or may not be read is Unavailable, with its name."""

    class Remover(Shelf):
        def missing(self, digests: Collection[str]) -> set[str]:
            (tmp_path / "b.bin").unlink(missing_ok=True)
            return super().missing(digests)

    (tmp_path / "a.bin").write_bytes(b"x")
    (tmp_path / "b.bin").write_bytes(bytes(300_000))
    with pytest.raises(Unavailable, match=r"b\.bin"):
        push_tree(tmp_path, Remover())


# --- files that move -------------------------------------------------------------------------


class Meddler(Shelf):
    """Changes a file as soon as its first chunk has been asked for."""

    def __init__(self, place: Path, how: str) -> None:
        super().__init__()
        self.place = place
        self.how = how

    def missing(self, digests: Collection[str]) -> set[str]:
        with self.lock:
            how, self.how = self.how, ""
        if how == "grow":
            with self.place.open("ab") as file:
                file.write(b"more")
        elif how == "shrink":
            os.truncate(self.place, 1000)
        elif how == "write":
            with self.place.open("r+b") as file:
                file.write(b"other")
        return super().missing(digests)


@pytest.mark.parametrize("how", ["grow", "shrink", "write"])
def test_a_file_that_changes_is_refused(tmp_path: Path, how: str) -> None:
    """A file that grows, shrinks or is written while it is read is Conflict, naming it."""
    place = tmp_path / "a.bin"
    place.write_bytes(np.random.default_rng(2).bytes(60 * 2**20))
    with pytest.raises(Conflict, match=r"a\.bin"):
        push_tree(place, Meddler(place, how))


# --- killed ----------------------------------------------------------------------------------

_KILLED = """
import os, sys
from pathlib import Path
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pushing import push_tree

tree, root, calls = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
real_sync, left = os.fsync, [calls]

def sync(file):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), 9)
    real_sync(file)

os.fsync = sync
push_tree(tree, LocalStore(root))
"""


def test_killed_anywhere(tree: Path, tmp_path: Path) -> None:
    """A push killed at any write leaves only whole blobs; the next one sends what is missing."""
    root = tmp_path / "store"
    codes = []
    for calls in (0, 1, 3, 6, 12, 20, 1000):
        done = subprocess.run([sys.executable, "-c", _KILLED, str(tree), str(root), str(calls)])
        codes.append(done.returncode)
        store = LocalStore(root)
        for item in store.list_blobs():
            assert blob_digest(store.read(item.name)) == item.name
        store.close()
    assert (codes[0], codes[-1]) == (-signal.SIGKILL, 0)
    store = LocalStore(root)
    pushed = push_tree(tree, store)
    assert pushed.bytes_sent == 0
    assert store.missing(pushed.manifest.chunk_sizes) == set()
    store.close()


# --- memory of hashes ------------------------------------------------------------------------


def rested(path: Path) -> None:
    """Wait until the file counts as at rest."""
    deadline = time.monotonic() + 10
    while time.time_ns() - path.stat().st_ctime_ns < 200_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_file_at_rest_is_not_hashed_again(tmp_path: Path) -> None:
    """A remembered file gives the same manifest; chunks that are missing are read and sent."""
    place = tmp_path / "a.bin"
    place.write_bytes(np.random.default_rng(3).bytes(4 * 2**20))
    rested(place)
    memory = HashMemory(tmp_path / "memory")
    shelf = Shelf()
    first = push_tree(place, shelf, memory=memory)
    assert len(list((tmp_path / "memory").rglob("*.json"))) == 1
    lost = first.manifest.files[0].chunks[1]
    del shelf.blobs[lost.digest]
    again = push_tree(place, shelf, memory=memory)
    assert (again.manifest, again.bytes_sent) == (first.manifest, lost.size)
    assert shelf.blobs[lost.digest]


def test_a_touched_file_is_hashed_again(tmp_path: Path) -> None:
    """A change is seen though size and modification time are set back."""
    place = tmp_path / "a.bin"
    place.write_bytes(bytes(2 * 2**20))
    rested(place)
    memory = HashMemory(tmp_path / "memory")
    before = hash_tree(place, memory=memory)
    found = place.stat()
    with place.open("r+b") as file:
        file.write(b"x")
    os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))
    after = hash_tree(place, memory=memory)
    assert after.digest != before.digest
    assert after.files[0].sha256 == hashlib.sha256(place.read_bytes()).hexdigest()


def test_a_fresh_file_is_not_remembered(tmp_path: Path) -> None:
    """A file written just before it was hashed might still change unseen, so it is not kept."""
    memory = HashMemory(tmp_path / "memory")
    place = tmp_path / "a.bin"
    place.write_bytes(bytes(2 * 2**20))
    os.utime(place, (time.time() + 60, time.time() + 60))
    hash_tree(place, memory=memory)
    assert not (tmp_path / "memory").exists()


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b"[]"])
def test_a_damaged_memory_is_ignored(tmp_path: Path, damage: bytes) -> None:
    """A record that cannot be read counts as none."""
    place = tmp_path / "a.bin"
    place.write_bytes(bytes(2 * 2**20))
    rested(place)
    memory = HashMemory(tmp_path / "memory")
    before = hash_tree(place, memory=memory)
    (record,) = (tmp_path / "memory").rglob("*.json")
    record.write_bytes(damage)
    assert hash_tree(place, memory=memory) == before
