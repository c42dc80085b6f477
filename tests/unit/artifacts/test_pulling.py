"""Pulling: the folder appears whole, verified and at once, or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lockgate.artifacts import layout
from lockgate.artifacts.cache import ArtifactCache
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pulling import Fetch, PullProgress, pull_tree
from lockgate.artifacts.pushing import hash_tree, push_tree
from lockgate.domain.manifests import Chunk, FileEntry, Manifest
from lockgate.errors import (
    AlreadyExists,
    BlobNotFound,
    DigestMismatch,
    InvalidManifest,
    LimitExceeded,
    Unavailable,
)


class Pushed:
    """A store with a pushed tree; no test changes either."""

    def __init__(self, folder: Path) -> None:
        tree = folder / "tree"
        (tree / "sub").mkdir(parents=True)
        (tree / "weights.bin").write_bytes(np.random.default_rng(0).bytes(20 * 2**20))
        (tree / "sub" / "config.json").write_text("{}")
        (tree / "sub" / "copy.json").write_text("{}")
        (tree / "empty").write_bytes(b"")
        self.tree = tree
        self.store = LocalStore(folder / "store")
        self.manifest = push_tree(tree, self.store).manifest


class Source:
    """A pushed tree, and a fetch that counts and can be made to fail."""

    def __init__(self, pushed: Pushed) -> None:
        self.tree = pushed.tree
        self.store = pushed.store
        self.manifest = pushed.manifest
        self.fetched: list[str] = []
        self.fail_after: int | None = None

    def fetch(self, digests: Sequence[str]) -> Iterable[bytes]:
        for digest in digests:
            if self.fail_after is not None and len(self.fetched) >= self.fail_after:
                raise BlobNotFound(digest=digest)
            self.fetched.append(digest)
            yield self.store.read(digest)


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    return Pushed(tmp_path_factory.mktemp("pushed"))


@pytest.fixture
def source(pushed: Pushed) -> Source:
    return Source(pushed)


def same_files(one: Path, other: Path) -> bool:
    def contents(root: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    return contents(one) == contents(other)


def test_a_pull_is_the_tree(source: Source, tmp_path: Path) -> None:
    """A pulled folder holds exactly the files that were pushed, and nothing lies beside it."""
    destination = tmp_path / "out" / "model"
    fetched = pull_tree(source.manifest, partial(map, source.store.read), destination)
    assert same_files(destination, source.tree)
    assert fetched == source.manifest.size
    assert os.listdir(destination.parent) == ["model"]


def test_an_empty_folder_is_filled(source: Source, tmp_path: Path) -> None:
    """A destination that is an empty folder is taken."""
    destination = tmp_path / "out"
    destination.mkdir()
    pull_tree(source.manifest, source.fetch, destination)
    assert same_files(destination, source.tree)


@pytest.mark.parametrize("kind", ["file", "full", "link"])
def test_what_is_there_is_not_overwritten(source: Source, tmp_path: Path, kind: str) -> None:
    """A destination that holds anything, or is a link, is AlreadyExists and stays as it is."""
    destination = tmp_path / "out"
    other = tmp_path / "other"
    other.mkdir()
    if kind == "file":
        destination.write_text("mine")
    elif kind == "full":
        destination.mkdir()
        (destination / "mine").write_text("mine")
    else:
        destination.symlink_to(other)
    with pytest.raises(AlreadyExists):
        pull_tree(source.manifest, source.fetch, destination)
    assert source.fetched == []
    assert os.listdir(other) == []


def test_progress(source: Source, tmp_path: Path) -> None:
    """Progress rises to the total."""
    seen: list[PullProgress] = []
    pull_tree(source.manifest, source.fetch, tmp_path / "out", on_progress=seen.append)
    size = source.manifest.size
    assert seen[-1] == PullProgress(size, size, size)


# --- lies ------------------------------------------------------------------------------------


def test_a_false_chunk_is_named(source: Source, tmp_path: Path) -> None:
    """Bytes that are not the chunk are DigestMismatch with file and chunk; nothing appears."""
    bad = source.manifest.files[-1].chunks[3]

    def fetch(digests: Sequence[str]) -> Iterable[bytes]:
        for digest in digests:
            yield b"false" if digest == bad.digest else source.store.read(digest)

    with pytest.raises(DigestMismatch) as caught:
        pull_tree(source.manifest, fetch, tmp_path / "out")
    assert str(caught.value).startswith("Chunk 3 of file 'weights.bin' has digest blake3:")
    assert (caught.value.fields["path"], caught.value.fields["chunk"]) == ("weights.bin", 3)
    assert not (tmp_path / "out").exists()


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    """A byte flipped in the store is refused at pull with file and chunk; a push repairs it."""
    source = Source(Pushed(tmp_path / "pushed"))
    bad = source.manifest.files[-1].chunks[3]
    place = source.store.root / layout.blob_path(bad.digest)
    data = bytearray(place.read_bytes())
    data[7] ^= 1
    place.write_bytes(data)
    with pytest.raises(DigestMismatch, match=r"Chunk 3 of file 'weights\.bin' has digest"):
        pull_tree(source.manifest, partial(map, source.store.read), tmp_path / "out")
    source.store.set_aside(bad.digest)
    assert push_tree(source.tree, source.store).chunks_sent == 1
    pull_tree(source.manifest, partial(map, source.store.read), tmp_path / "out")
    assert same_files(tmp_path / "out", source.tree)


@pytest.mark.parametrize("path", ["weights.bin", "sub/config.json", "empty"])
def test_a_false_file_digest_is_named(source: Source, tmp_path: Path, path: str) -> None:
    """Chunks that are right but do not make the file with its SHA-256 are DigestMismatch."""
    files = tuple(
        dataclasses.replace(file, sha256="0" * 64) if file.path == path else file
        for file in source.manifest.files
    )
    with pytest.raises(DigestMismatch, match=f"File '{path}'"):
        pull_tree(Manifest(files), source.fetch, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "path", ["../escaped", "/escaped", "sub/../../escaped", "a\\b", "nul", "SUB/config.json"]
)
def test_a_hostile_manifest_writes_nothing(source: Source, tmp_path: Path, path: str) -> None:
    """Paths that leave the folder or collide are refused before anything is made or fetched."""
    hostile = dataclasses.replace(source.manifest.files[0], path=path)
    with pytest.raises(InvalidManifest):
        pull_tree(
            Manifest((hostile, *source.manifest.files)), source.fetch, tmp_path / "in" / "out"
        )
    assert source.fetched == []
    assert not (tmp_path / "in").exists()


def test_too_few_answers(source: Source, tmp_path: Path) -> None:
    """A source that returns fewer blobs than asked is DigestMismatch."""
    with pytest.raises(DigestMismatch):
        pull_tree(source.manifest, lambda _: [], tmp_path / "out")


def test_no_room(source: Source, tmp_path: Path) -> None:
    """What cannot fit the disk is refused before anything is fetched."""
    disk = os.statvfs(tmp_path)
    count = disk.f_bavail * disk.f_frsize // (16 * 2**20) + 10
    chunk = Chunk("blake3:" + "0" * 64, 16 * 2**20)
    huge = FileEntry("a", chunk.size * count, "0" * 64, (chunk,) * count)
    with pytest.raises(LimitExceeded):
        pull_tree(Manifest((huge,)), source.fetch, tmp_path / "out")
    assert source.fetched == []


def test_a_parent_that_is_no_folder(source: Source, tmp_path: Path) -> None:
    """A destination that cannot be made is Unavailable with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        pull_tree(source.manifest, source.fetch, tmp_path / "file" / "out")


# --- stopped and resumed ---------------------------------------------------------------------


def test_a_failed_pull_is_resumed(source: Source, tmp_path: Path) -> None:
    """After an error nothing has appeared; the same call fetches only what had not come."""
    destination = tmp_path / "out"
    source.fail_after = 6
    with pytest.raises(BlobNotFound):
        pull_tree(source.manifest, source.fetch, destination, workers=1)
    assert not destination.exists()
    source.fail_after = None
    before = len(source.fetched)
    pull_tree(source.manifest, source.fetch, destination)
    chunks = sum(len(file.chunks) for file in source.manifest.files)
    assert before == 6
    assert len(source.fetched) == chunks
    assert same_files(destination, source.tree)
    assert os.listdir(tmp_path) == ["out"]


def part_of(folder: Path) -> Path:
    (part,) = folder.glob(".lockgate-*.part")
    return part


def test_what_was_left_is_not_trusted(source: Source, tmp_path: Path) -> None:
    """A resumed pull replaces damaged bytes, foreign files, links and second names."""
    destination = tmp_path / "out"
    source.fail_after = 6
    with pytest.raises(BlobNotFound):
        pull_tree(source.manifest, source.fetch, destination, workers=1)
    part = part_of(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    with (part / "weights.bin").open("r+b") as file:
        file.write(b"damaged")
    (part / "sub" / "config.json").unlink()
    os.link(secret, part / "sub" / "config.json")
    (part / "extra" / "deep").mkdir(parents=True)
    (part / "extra" / "deep" / "x").write_text("x")
    (part / "sub" / "y").write_text("y")
    source.fail_after = None
    pull_tree(source.manifest, source.fetch, destination)
    assert same_files(destination, source.tree)
    assert not (destination / "extra").exists()
    assert secret.read_bytes() == b"secret"


def test_a_link_that_was_left_is_not_followed(source: Source, tmp_path: Path) -> None:
    """A link planted in the folder of a stopped pull is removed, its target untouched."""
    destination = tmp_path / "out"
    source.fail_after = 0
    with pytest.raises(BlobNotFound):
        pull_tree(source.manifest, source.fetch, destination)
    part = part_of(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (part / "weights.bin").unlink()
    (part / "weights.bin").symlink_to(secret)
    source.fail_after = None
    pull_tree(source.manifest, source.fetch, destination)
    assert same_files(destination, source.tree)
    assert secret.read_bytes() == b"secret"


def test_a_living_owner_keeps_its_folder(source: Source, tmp_path: Path) -> None:
    """A folder that a living process fills is not taken; one of a dead process is."""
    destination = tmp_path / "out"
    source.fail_after = 3
    with pytest.raises(BlobNotFound):
        pull_tree(source.manifest, source.fetch, destination, workers=1)
    source.fail_after = None
    part = part_of(tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    stem = part.name.split("free-")[0]
    alive = part.rename(tmp_path / f"{stem}{host}-{os.getppid()}-00000000.part")
    pull_tree(source.manifest, source.fetch, destination)
    assert alive.exists()
    destination.rename(tmp_path / "first")
    alive.rename(tmp_path / f"{stem}{host}-{dead.pid}-00000000.part")
    source.fetched.clear()
    pull_tree(source.manifest, source.fetch, destination)
    chunks = sum(len(file.chunks) for file in source.manifest.files)
    assert len(source.fetched) == chunks - 3
    assert list(tmp_path.glob(".lockgate-*")) == []


def test_two_at_once(source: Source, tmp_path: Path) -> None:
    """Of two pulls to one place one wins; the other says so, and nothing is left of it but parts
    that the next pull removes."""
    outcomes: list[str] = []

    def pull() -> None:
        try:
            pull_tree(source.manifest, source.fetch, tmp_path / "out")
            outcomes.append("pulled")
        except AlreadyExists:
            outcomes.append("exists")

    threads = [threading.Thread(target=pull) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["exists", "exists", "pulled"]
    assert same_files(tmp_path / "out", source.tree)


def test_killed_anywhere(source: Source, tmp_path: Path) -> None:
    """A pull killed at any point leaves no folder or the whole one, and the next one completes."""
    (tmp_path / "manifest").write_bytes(source.manifest.encoded)
    program = textwrap.dedent(
        """
        import os, sys, threading
        from pathlib import Path
        from lockgate.artifacts.local import LocalStore
        from lockgate.artifacts.pulling import pull_tree
        from lockgate.domain.manifests import parse_manifest

        here, steps = Path(sys.argv[1]), int(sys.argv[2])
        store = LocalStore(Path(sys.argv[3]))
        left = [steps]

        def fetch(digests):
            for digest in digests:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), 9)
                yield store.read(digest)

        manifest = parse_manifest((here / "manifest").read_bytes())
        pull_tree(manifest, fetch, here / "out", workers=1)
        """
    )
    codes = []
    for steps in (0, 2, 5, 9, 100):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), str(steps), str(source.store.root)]
        )
        codes.append(done.returncode)
        if done.returncode:
            assert not (tmp_path / "out").exists()
    assert codes == [-signal.SIGKILL] * 4 + [0]
    assert same_files(tmp_path / "out", source.tree)
    assert list(tmp_path.glob(".lockgate-*")) == []


# --- the cache -------------------------------------------------------------------------------


class Keeper:
    """A cache with one version, which counts what it asks for."""

    def __init__(self, source: Source, root: Path) -> None:
        self.cache = ArtifactCache(root)
        self.source = source
        self.asked = 0
        self.digest = source.manifest.digest

    def read_manifest(self) -> bytes:
        self.asked += 1
        return self.source.manifest.encoded

    def ensure(self, fetch: Fetch | None = None) -> Path:
        return self.cache.ensure(self.digest, self.read_manifest, fetch or self.source.fetch)


@pytest.fixture
def keeper(source: Source, tmp_path: Path) -> Keeper:
    return Keeper(source, tmp_path / "cache")


def test_a_hit_asks_nobody(keeper: Keeper) -> None:
    """A version is pulled once, then found without manifest or source."""
    assert keeper.cache.find(keeper.digest) is None
    path = keeper.ensure()
    fetched = len(keeper.source.fetched)
    assert keeper.ensure() == path
    assert keeper.cache.find(keeper.digest) == path
    assert (keeper.asked, len(keeper.source.fetched)) == (1, fetched)
    assert same_files(path, keeper.source.tree)


def test_cached_files_are_read_only(keeper: Keeper) -> None:
    """A cached file is not writable, so that a program does not change it by accident."""
    path = keeper.ensure()
    assert {os.stat(p).st_mode & 0o777 for p in path.rglob("*") if p.is_file()} == {0o444}


@pytest.mark.parametrize("damage", ["write", "remove", "add", "link"])
def test_a_damaged_version_is_pulled_again(keeper: Keeper, damage: str) -> None:
    """A version whose files were changed, lost or joined by others is thrown away and pulled."""
    path = keeper.ensure()
    victim = path / "sub" / "config.json"
    if damage == "write":
        victim.chmod(0o644)
        victim.write_text("[]")
    elif damage == "remove":
        victim.unlink()
    elif damage == "add":
        (path / "sub" / "code.py").write_text("x")
    else:
        victim.unlink()
        victim.symlink_to("copy.json")
    assert keeper.cache.find(keeper.digest) is None
    assert same_files(keeper.ensure(), keeper.source.tree)
    assert keeper.asked == 2


def test_a_touched_version_is_hashed_and_kept(keeper: Keeper) -> None:
    """New times alone do not cost a pull: the bytes are looked at, and the version stays."""
    path = keeper.ensure()
    os.utime(path / "weights.bin", (0, 0))
    assert keeper.ensure() == path
    assert keeper.asked == 1


def test_another_manifest_is_refused(keeper: Keeper, tmp_path: Path) -> None:
    """A server that answers with another version's manifest is DigestMismatch."""
    (tmp_path / "other").write_text("other")
    other = hash_tree(tmp_path / "other").encoded
    with pytest.raises(DigestMismatch):
        keeper.cache.ensure(keeper.digest, lambda: other, keeper.source.fetch)
    assert keeper.source.fetched == []


def test_remove(keeper: Keeper) -> None:
    """A removed version is gone; removing it again is no error."""
    path = keeper.ensure()
    keeper.cache.remove(keeper.digest)
    keeper.cache.remove(keeper.digest)
    assert not path.exists()
    assert keeper.cache.find(keeper.digest) is None
