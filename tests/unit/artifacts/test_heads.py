"""Heads: files are judged by what passed a moment ago, and read only where that is too little."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostile_files import EVIL
from lockgate.artifacts.heads import HEAD_BYTES, HEADS_MAX, Heads
from lockgate.artifacts.proof import chunk_reader, prove_files
from lockgate.artifacts.pushing import push_tree
from lockgate.artifacts.store import HashedBlob
from lockgate.domain.contents import Verdict
from lockgate.domain.manifests import Manifest

TEXT = b"# A model\n" * (HEAD_BYTES // 5)


class RememberingStore:
    """A store of blobs that counts what is read from it."""

    def __init__(self) -> None:
        self.heads = Heads()
        self.reads = 0
        self._blobs: dict[str, bytes] = {}

    def missing(self, digests: list[str]) -> set[str]:
        return set(digests) - self._blobs.keys()

    def put_many(self, blobs: list[HashedBlob]) -> None:
        self._blobs |= {digest: bytes(data) for digest, data in blobs}
        self.heads.note(blobs)

    def read(self, digest: str) -> bytes:
        self.reads += 1
        return self._blobs[digest]

    def verdicts(self, manifest: Manifest) -> list[Verdict]:
        proofs = prove_files(manifest.files, chunk_reader(self.read, self.heads.find))
        return [proof.verdict for proof in proofs]


def pushed(store: RememberingStore, folder: Path, **files: bytes) -> Manifest:
    """Push files of these names into a store."""
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.txt").write_bytes(data)
    return push_tree(folder, store).manifest  # type: ignore[arg-type]


def test_a_short_file_is_not_read_again(tmp_path: Path) -> None:
    """What fits into a head is judged without the store, and by all its bytes."""
    store = RememberingStore()
    manifest = pushed(store, tmp_path / "files", evil=EVIL, good=b"# A model\n", none=b"")
    assert store.verdicts(manifest) == [Verdict.CODE, Verdict.DATA_ONLY, Verdict.DATA_ONLY]
    assert store.reads == 0


@pytest.mark.parametrize("end", [b"the end", EVIL])
def test_a_longer_file_is_judged_whole(tmp_path: Path, end: bytes) -> None:
    """A file that is longer than its head gets the verdict that its whole text would get."""
    store = RememberingStore()
    manifest = pushed(store, tmp_path / "files", long=TEXT + end)
    whole = [proof.verdict for proof in prove_files(manifest.files, chunk_reader(store.read))]
    assert store.verdicts(manifest) == whole
    assert store.reads > 0


def test_only_the_latest_are_remembered() -> None:
    """Memory is bounded: of more than `HEADS_MAX` files the first are forgotten."""
    heads = Heads()
    blobs = [HashedBlob.of(b"%d" % number) for number in range(HEADS_MAX + 1)]
    for blob in blobs:
        heads.note([blob])
    assert heads.find(blobs[0].digest) is None
    assert [heads.find(blob.digest) for blob in blobs[-2:]] == [b"2047", b"2048"]
