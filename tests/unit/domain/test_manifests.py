"""Manifests: one canonical form, every fault at once, and differences from digests alone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.domain.differences import Difference, diff_manifests
from lockgate.domain.manifests import (
    Chunk,
    FileEntry,
    Manifest,
    ManifestLimits,
    TensorEntry,
    build_manifest,
    parse_manifest,
)
from lockgate.errors import InvalidManifest, LimitExceeded


def hex_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def chunk(text: str, size: int = 5) -> Chunk:
    return Chunk(f"blake3:{hex_of(text)}", size)


def entry(path: str, *texts: str, tensors: tuple[TensorEntry, ...] | None = None) -> FileEntry:
    chunks = tuple(chunk(text) for text in texts or (path,))
    return FileEntry(path, 5 * len(chunks), hex_of("/".join(texts) or path), chunks, tensors)


def tensor(name: str, text: str, dtype: str = "F32", shape: tuple[int, ...] = (1,)) -> TensorEntry:
    return TensorEntry(name, dtype, shape, 0, 4, f"blake3:{hex_of(text)}")


def document(manifest: Manifest) -> Any:
    return json.loads(manifest.encoded)


def encoded(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def faults_of(data: bytes) -> list[str]:
    with pytest.raises(InvalidManifest) as caught:
        parse_manifest(data)
    faults: list[str] = caught.value.fields["faults"]
    return faults


GOOD = build_manifest([entry("b/c.txt"), entry("a.bin", "x", "y"), entry("é.txt")])


def test_canonical_form() -> None:
    """A manifest's bytes are sorted, unspaced JSON; its digest is their SHA-256."""
    one = build_manifest([entry("é", "t")])
    expected = (
        '{{"files":[{{"chunks":[{{"digest":"blake3:{}","size":5}}],"path":"é","sha256":"{}",'
        '"size":5,"tensors":null}}],"schema":"lockgate.manifest.v1"}}'.format(
            hex_of("t"), hex_of("t")
        )
    ).encode()
    assert expected == one.encoded
    assert f"sha256:{hashlib.sha256(expected).hexdigest()}" == one.digest


def test_parse_returns_what_was_written() -> None:
    """Parsing the bytes of a manifest gives an equal manifest, files sorted by path."""
    assert parse_manifest(GOOD.encoded) == GOOD
    assert [file.path for file in GOOD.files] == ["a.bin", "b/c.txt", "é.txt"]


def test_tensors_survive_a_round_trip() -> None:
    """Tensor entries, and the difference between none and unknown, are kept."""
    manifest = build_manifest(
        [entry("m", tensors=(tensor("w", "w", shape=(1, 1)),)), entry("n", tensors=())]
    )
    assert manifest == parse_manifest(manifest.encoded)


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(document(GOOD)).encode(),
        GOOD.encoded + b"\n",
        GOOD.encoded.replace("é".encode(), b"\\u00e9"),
    ],
)
def test_other_spellings_are_refused(data: bytes) -> None:
    """The same words in other bytes would have another digest, so they are not a manifest."""
    assert (faults_of(data)) == [
        "the bytes are not canonical JSON (sorted keys and paths, no white space)"
    ]


def test_files_out_of_order_are_refused() -> None:
    """Files must be sorted by path."""
    value = document(GOOD)
    value["files"].reverse()
    assert faults_of(encoded(value)) == ["the files are not sorted by path"]


def test_every_fault_at_once() -> None:
    """All faults of a manifest are named together, not just the first."""
    value = document(GOOD)
    value["files"][0]["path"] = "../x"
    value["files"][1]["sha256"] = "A" * 64
    value["files"][2]["size"] = 6
    value["schema"] = "other"
    assert faults_of(encoded(value)) == [
        "schema is 'other', not 'lockgate.manifest.v1'",
        "'../x': a segment '..'",
        "'b/c.txt': sha256 is not 64 lower-case hexadecimal digits",
        "'é.txt': the chunks hold 5 bytes, the file 6",
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"size": True}, "file 0: size has the wrong type"),
        ({"size": -1}, "file 0: a number is not between 0 and 2^53 - 1"),
        ({"size": 2**60}, "file 0: a number is not between 0 and 2^53 - 1"),
        ({"extra": 1}, "file 0: the keys are not exactly chunks, path, sha256, size, tensors"),
        ({"chunks": [3]}, "file 0, chunk 0 is not an object"),
        ({"tensors": [{}]}, "file 0, tensor 0: the keys are not exactly "
         "digest, dtype, name, shape, size, start"),
        ({"path": "\ud800"}, "'\\ud800': the path is not valid Unicode (lone surrogate)"),
    ],
)  # fmt: skip
def test_wrong_shapes(change: dict[str, Any], fault: str) -> None:
    """A value of the wrong type or range is named by its place."""
    value = document(GOOD)
    value["files"][0].update(change)
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert fault in faults_of(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"files":[],"files":[],"schema":""}', "a key occurs twice"),
        (b'{"files":NaN}', "NaN is not an integer"),
        (b'{"files":1.5}', "1.5 is not an integer"),
        (b'{"files":' + b"9" * 5000 + b"}", "not JSON"),
        (b"3", "not an object"),
        (b'{"files":[],"schema":"lockgate.manifest.v1"}', "there is no file"),
    ],
)
def test_bytes_that_are_no_manifest(data: bytes, words: str) -> None:
    """Anything but strict JSON of the right shape is refused with a reason, never an accident."""
    assert words in faults_of(data)[0]


@pytest.mark.parametrize(
    ("digest", "size"),
    [
        ("blake3:" + "a" * 63, 5), ("blake3:" + "a" * 65, 5), ("blake3:" + "A" * 64, 5),
        ("sha256:" + "a" * 64, 5), ("blake3:" + "a" * 64 + "\n", 5), ("blake3:../../etc", 5),
        ("blake3:" + "a" * 64, 17 * 2**20),
    ],
)  # fmt: skip
def test_chunk_rules(digest: str, size: int) -> None:
    """A chunk has a BLAKE3 digest in lower-case hex and a bounded size."""
    with pytest.raises(InvalidManifest):
        build_manifest([FileEntry("a", size, hex_of("a"), (Chunk(digest, size),))])


def test_one_chunk_has_one_size() -> None:
    """The same digest with two sizes is refused."""
    other = FileEntry("b", 6, hex_of("b"), (chunk("a", 6),))
    with pytest.raises(InvalidManifest, match="two sizes"):
        build_manifest([entry("a"), other])


@pytest.mark.parametrize(
    "bad",
    [
        TensorEntry("w", "F32", (1,), 2, 4, f"blake3:{hex_of('w')}"),
        TensorEntry("", "F32", (1,), 0, 4, f"blake3:{hex_of('w')}"),
        TensorEntry("w", "F 32", (1,), 0, 4, f"blake3:{hex_of('w')}"),
        TensorEntry("w", "F32", (-1,), 0, 4, f"blake3:{hex_of('w')}"),
        TensorEntry("w", "F32", (1,), 0, 4, "w"),
    ],
)
def test_tensor_rules(bad: TensorEntry) -> None:
    """A tensor lies in its file, and has a name, a dtype, a shape and a digest."""
    with pytest.raises(InvalidManifest, match="tensor"):
        build_manifest([entry("m", tensors=(bad,))])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**16), st.binary(max_size=8))
def test_any_bytes_are_refused_or_canonical(place: int, inserted: bytes) -> None:
    """Changed bytes are refused, or are a manifest that says something else in canonical form."""
    place = place % len(GOOD.encoded)
    data = GOOD.encoded[:place] + inserted + GOOD.encoded[place + len(inserted) :]
    try:
        parsed = parse_manifest(data)
    except InvalidManifest:
        return
    assert parsed.encoded == data


def test_limits() -> None:
    """Too many files, bytes, or a manifest that is too long, are refused with the limit."""
    with pytest.raises(InvalidManifest, match="2 files, more than 1"):
        build_manifest([entry("a"), entry("b")], ManifestLimits(files_max=1))
    with pytest.raises(InvalidManifest, match="15 bytes in all, more than 14"):
        build_manifest([entry("a", "x", "y", "z")], ManifestLimits(total_bytes_max=14))
    with pytest.raises(LimitExceeded, match="more than the limit of 100"):
        parse_manifest(GOOD.encoded, ManifestLimits(manifest_bytes_max=100))


def test_faults_are_bounded() -> None:
    """A manifest with thousands of faults is answered with a hundred and a count."""
    with pytest.raises(InvalidManifest) as caught:
        build_manifest([entry(f"{i}\\") for i in range(300)])
    assert len(caught.value.fields["faults"]) == 101
    assert caught.value.fields["faults"][-1] == "and 200 more"


def test_file_differences() -> None:
    """Files are added, removed, changed or the same; bytes count each chunk once."""
    before = build_manifest([entry("gone"), entry("kept"), entry("edited", "x", "y")])
    after = build_manifest([entry("new"), entry("kept"), entry("edited", "x", "z")])
    diff = diff_manifests(before, after)
    assert {file.path: file.kind for file in diff.files} == {
        "edited": Difference.CHANGED,
        "gone": Difference.REMOVED,
        "kept": Difference.SAME,
        "new": Difference.ADDED,
    }
    assert (diff.bytes_shared, diff.bytes_added, diff.bytes_removed) == (10, 10, 10)


def test_tensor_differences() -> None:
    """Tensors are told apart by dtype, then shape, then digest, wherever they lie."""

    def model(path: str, *tensors: TensorEntry) -> FileEntry:
        spaced = tuple(dataclasses.replace(t, start=4 * i) for i, t in enumerate(tensors))
        size = 4 * len(spaced)
        return FileEntry(path, size, hex_of(repr(spaced)), (chunk(repr(spaced), size),), spaced)

    before = build_manifest(
        [
            model("1", tensor("same", "s"), tensor("typed", "t"), tensor("shaped", "h")),
            model("2", tensor("moved", "m"), tensor("changed", "c"), tensor("gone", "g")),
        ]
    )
    after = build_manifest(
        [
            model(
                "1",
                tensor("same", "s"),
                tensor("typed", "t", dtype="BF16"),
                tensor("shaped", "h", shape=(1, 1)),
            ),
            model("3", tensor("moved", "m"), tensor("changed", "d"), tensor("new", "n")),
        ]
    )
    assert {
        difference.name: difference.kind for difference in diff_manifests(before, after).tensors
    } == {
        "changed": Difference.CHANGED,
        "gone": Difference.REMOVED,
        "moved": Difference.SAME,
        "new": Difference.ADDED,
        "same": Difference.SAME,
        "shaped": Difference.RESHAPED,
        "typed": Difference.RETYPED,
    }
