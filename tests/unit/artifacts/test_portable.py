"""Bundles that mean harm: signed by a trusted key, and refused all the same."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockgate.artifacts.portable import (
    BLOCK,
    OpenBundle,
    header_of,
    open_bundle,
    write_bundle,
)
from lockgate.artifacts.store import blob_digest
from lockgate.domain.audit import canonical_json, leaf_hash
from lockgate.domain.checkpoints import Checkpoint, sign_checkpoint, sign_note
from lockgate.domain.manifests import Chunk, FileEntry, Manifest, build_manifest
from lockgate.domain.merkle import tree_root
from lockgate.domain.portable import BundleHead, encode_index, note_text
from lockgate.errors import Corrupt, DigestMismatch, InvalidInput, LimitExceeded
from lockgate.keys import new_key

KEY = new_key()
VERIFIER = KEY.verifier("lockgate/test/default")
TRUSTED = {KEY.public_key.hex()}
PIECES = [b"first" * 50, b"second" * 60]
EVENT = canonical_json({"seq": 1, "project": "default", "model": "churn", "version": "1"}).decode()


def manifest_of(pieces: list[bytes], sha256: str | None = None) -> Manifest:
    """A manifest of one file."""
    whole = b"".join(pieces)
    chunks = tuple(Chunk(blob_digest(piece), len(piece)) for piece in pieces)
    digest = sha256 or hashlib.sha256(whole).hexdigest()
    return build_manifest([FileEntry("a.bin", len(whole), digest, chunks)])


def document_of(manifest: Manifest) -> dict[str, Any]:
    """What a registry says of a version with these files."""
    checkpoint = Checkpoint(VERIFIER.name, 1, tree_root([leaf_hash(EVENT.encode())]))
    version = dict.fromkeys(
        ("uid", "project", "model", "label", "stage", "created_by", "created_at"), "x"
    )
    return {
        "key": str(VERIFIER),
        "version": {
            **version,
            "project": "default",
            "model": "churn",
            "label": "1",
            "parents": [],
            **{name: {} for name in ("metrics", "params", "tags", "metadata")},
        },
        "manifest": {"digest": manifest.digest, "size": len(manifest.encoded)},
        **{name: [] for name in ("decisions", "checks", "waivers", "signatures")},
        "log": {
            "checkpoint": sign_checkpoint(checkpoint, VERIFIER, KEY.sign),
            "events": [{"index": 0, "body": EVENT, "proof": []}],
            "earlier": 0,
        },
    }


def head_of(document: dict[str, Any]) -> BundleHead:
    """The words, signed."""
    index = encode_index(document)
    return BundleHead(
        index=index.decode(), note=str(sign_note(note_text(index), VERIFIER, KEY.sign))
    )


def member(name: str, data: bytes) -> bytes:
    """A member of the file."""
    return header_of(name, len(data)) + data + bytes(-len(data) % BLOCK)


def chunk(data: bytes) -> bytes:
    """A chunk under its own name."""
    return member("chunks/" + blob_digest(data).removeprefix("blake3:"), data)


def opened(folder: Path, manifest: Manifest, tail: bytes, /, **changes: Any) -> OpenBundle:
    """Open a bundle of a signed head, a manifest and whatever follows."""
    head = head_of({**document_of(manifest), **changes})
    path = folder / "bundle"
    path.write_bytes(
        member("index.json", head.index.encode())
        + member("signature.txt", head.note.encode())
        + member("manifest.json", manifest.encoded)
        + tail
    )
    return open_bundle(path, TRUSTED)


END = bytes(2 * BLOCK)


def test_a_good_one_is_read(tmp_path: Path) -> None:
    """So that the refusals below are for what they say; any tar reads it too."""
    manifest = manifest_of(PIECES)
    bundle = opened(tmp_path, manifest, b"".join(map(chunk, PIECES)) + END)
    assert bundle.portable.reference == "default/churn:1"
    assert [data for _, data in bundle.read_chunks(manifest.chunk_sizes)] == PIECES
    with tarfile.open(bundle.path) as tar:
        names = tar.getnames()
    assert names[:3] == ["index.json", "signature.txt", "manifest.json"]
    assert len(names) == 5


def test_it_is_written_as_it_is_read(tmp_path: Path) -> None:
    """By the writer, to the byte."""
    manifest = manifest_of(PIECES)
    kept = {blob_digest(piece): piece for piece in PIECES}
    by_hand = opened(tmp_path, manifest, b"".join(map(chunk, PIECES)) + END).path.read_bytes()
    size = write_bundle(
        tmp_path / "own",
        head_of(document_of(manifest)),
        manifest,
        lambda digests: [kept[each] for each in digests],
    )
    assert (tmp_path / "own").read_bytes() == by_hand
    assert size == len(by_hand)


def test_a_damaged_chunk_is_not_written(tmp_path: Path) -> None:
    """The file that was there stays as it was."""
    target = tmp_path / "own"
    target.write_bytes(b"before")
    with pytest.raises(DigestMismatch):
        write_bundle(
            target,
            head_of(document_of(manifest_of(PIECES))),
            manifest_of(PIECES),
            lambda digests: [b"other" for _ in digests],
        )
    assert [each.name for each in tmp_path.iterdir()] == ["own"]
    assert target.read_bytes() == b"before"


TAILS: dict[str, Callable[[], bytes]] = {
    "missing chunk": lambda: chunk(PIECES[0]) + END,
    "chunk twice": lambda: chunk(PIECES[0]) + chunk(PIECES[0]) + chunk(PIECES[1]) + END,
    "other order": lambda: chunk(PIECES[1]) + chunk(PIECES[0]) + END,
    "one more": lambda: chunk(PIECES[0]) + chunk(PIECES[1]) + chunk(b"more") + END,
    "way out": lambda: member("../../etc/passwd", PIECES[0]) + chunk(PIECES[1]) + END,
    "absolute": lambda: member("/etc/passwd", PIECES[0]) + chunk(PIECES[1]) + END,
    "no end": lambda: chunk(PIECES[0]) + chunk(PIECES[1]),
    "long end": lambda: chunk(PIECES[0]) + chunk(PIECES[1]) + END + END,
    "endless": lambda: header_of("chunks/" + blob_digest(PIECES[0])[7:], 8**11 - 1),
    "other bytes": lambda: chunk(PIECES[0]).replace(b"first", b"worst") + chunk(PIECES[1]) + END,
    "a link": lambda: _link() + chunk(PIECES[1]) + END,
    "padding": lambda: chunk(PIECES[0])[:-1] + b"!" + chunk(PIECES[1]) + END,
}


def _link() -> bytes:
    """A symbolic link under the name of a chunk."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo("chunks/" + blob_digest(PIECES[0])[7:])
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    return stream.getvalue()[:BLOCK]


@pytest.mark.parametrize("fault", TAILS)
def test_what_follows_is_just_what_has_to(tmp_path: Path, fault: str) -> None:
    """Nothing missing, nothing more, nothing elsewhere."""
    with pytest.raises(Corrupt):
        opened(tmp_path, manifest_of(PIECES), TAILS[fault]())


def test_lies_about_digests(tmp_path: Path) -> None:
    """A file's hash in the manifest, and the manifest's in the index."""
    good = b"".join(map(chunk, PIECES)) + END
    with pytest.raises(DigestMismatch, match=r"a\.bin"):
        opened(tmp_path, manifest_of(PIECES, sha256="0" * 64), good)
    manifest = manifest_of(PIECES)
    wrong = {"digest": "sha256:" + "0" * 64, "size": len(manifest.encoded)}
    with pytest.raises(DigestMismatch, match="manifest"):
        opened(tmp_path, manifest, good, manifest=wrong)


def test_events_that_are_not_in_the_log(tmp_path: Path) -> None:
    """Another body, another place, another version's."""
    manifest = manifest_of(PIECES)
    good = b"".join(map(chunk, PIECES)) + END
    log = document_of(manifest)["log"]
    other = canonical_json({"seq": 1, "project": "default", "model": "churn", "version": "2"})
    for event in (
        {"index": 0, "body": EVENT + " ", "proof": []},
        {"index": 1, "body": EVENT, "proof": []},
        {"index": 0, "body": EVENT, "proof": ["0" * 64]},
    ):
        with pytest.raises(Corrupt, match="is not in the log"):
            opened(tmp_path, manifest, good, log={**log, "events": [event]})
    checkpoint = Checkpoint(VERIFIER.name, 1, tree_root([leaf_hash(other)]))
    elsewhere = {
        "checkpoint": sign_checkpoint(checkpoint, VERIFIER, KEY.sign),
        "events": [{"index": 0, "body": other.decode(), "proof": []}],
    }
    with pytest.raises(Corrupt, match="about something else"):
        opened(tmp_path, manifest, good, log={**log, **elsewhere})


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None},
        {"key": 7},
        {"signatures": [{"public_key": 1, "signature": ""}]},
        {"log": {"checkpoint": "", "events": [{"index": "0", "body": "{}", "proof": []}]}},
        {"log": {"checkpoint": "", "events": [{"index": 0, "body": "[]", "proof": []}]}},
        {"manifest": {"digest": "sha256:0", "size": 1}},
    ],
)
def test_what_is_no_index(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Of the wrong shape, though it is signed."""
    with pytest.raises(InvalidInput):
        opened(tmp_path, manifest_of(PIECES), END, **changes)


def test_it_does_not_have_to_be_large_to_be_refused(tmp_path: Path) -> None:
    """What says that it is huge is refused by its header."""
    path = tmp_path / "bundle"
    path.write_bytes(header_of("index.json", 8**11 - 1))
    with pytest.raises(LimitExceeded):
        open_bundle(path, TRUSTED)
    path.write_bytes(b"")
    with pytest.raises(Corrupt):
        open_bundle(path, TRUSTED)
    with pytest.raises(InvalidInput):
        open_bundle(tmp_path / "none", TRUSTED)


def test_memory_is_flat(tmp_path: Path) -> None:
    """Forty megabytes are written and verified with a few of them in memory."""
    pieces = [bytes([number]) * 2**20 for number in range(40)]
    manifest = manifest_of(pieces)
    by_digest = {blob_digest(piece): number for number, piece in enumerate(pieces)}
    del pieces
    tracemalloc.start()
    try:
        write_bundle(
            tmp_path / "large",
            head_of(document_of(manifest)),
            manifest,
            lambda digests: (bytes([by_digest[each]]) * 2**20 for each in digests),
        )
        open_bundle(tmp_path / "large", TRUSTED)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 2**20
