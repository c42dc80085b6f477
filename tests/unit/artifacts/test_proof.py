"""The proof: data that is data passes, and nothing that could run code is ever called data-only."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import os
import pickle
import pickletools
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from lockgate.artifacts import proof_child
from lockgate.artifacts.formats import Judgement, judge
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.proof import PROOF_VERSION, chunk_reader, is_data_only, prove_files
from lockgate.artifacts.pushing import push_tree
from lockgate.domain.contents import Verdict
from lockgate.domain.manifests import FileEntry
from lockgate.errors import Corrupt, InvalidInput


def judged(path: str, data: bytes) -> Judgement:
    return judge(path, lambda start, length: data[start : start + length], len(data))


class Payload:
    """What a hostile pickle holds."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("true",))


def npy(array: np.ndarray[Any, Any], *, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return file.getvalue()


def zipped(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("x")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def gguf(template: str = "") -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    head += text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template)
    head += text("w") + struct.pack("<IQIQ", 1, 4, 0, 0)
    return head + bytes(-len(head) % 32) + bytes(16)


TENSORS = safetensors.numpy.save({"w": np.arange(1000, dtype=np.float32)})
EVIL = pickle.dumps(Payload())
EVIL_TEXT = pickle.dumps(Payload(), protocol=0)

DATA = {
    "model.safetensors": TENSORS,
    "model.gguf": gguf("{% for m in messages %}{{ m.content }}{% endfor %}"),
    "a.npy": npy(np.arange(6.0).reshape(2, 3)),
    "a2.npy": npy(np.array(["a", "bc"]), version=(2, 0)),
    "scalar.npy": npy(np.array(3)),
    "config.json": b'{"architectures": ["X"], "rate": 0.1}',
    "list.json": b"[]",
    "rows.jsonl": b'{"a": 1}\n{"a": 2}\n',
    "conda.yaml": b"name: env\ndependencies:\n- python=3.11\n- pip:\n  - numpy!=1.0\n",
    "MLmodel": b"flavors:\n  sklearn:\n    pickled_model: model.pkl\n",
    "README.md": "# A model\n\n| a | b |\nGrüße 🚀\n".encode(),
    "labels.txt": b"cat\ndog\nhorse\nimport os\n",
    "notes.txt": b"I am a text. N. is a name, (so) what?\n",
    "merges.txt": b"#version: 0.2\na b\n",
    "table.csv": b"x,y\r\n1,2\r\n",
    "LICENSE": b"Permission is granted\n\x0c\n",
    "empty.txt": b"",
}


@pytest.mark.parametrize("path", DATA)
def test_data(path: str) -> None:
    """A well-formed file of an allowed format is data-only."""
    judgement = judged(path, DATA[path])
    assert (judgement.verdict, bool(judgement.format)) == (Verdict.DATA_ONLY, True), judgement


def polyglot() -> bytes:
    """A valid safetensors file whose first bytes are also a pickle that imports and calls.

    The header's length begins with 'X', which skips into a text of the header; there a chain of
    'U', each skipping up to 126 characters, leads into the bytes of the tensor.
    """
    length = 0x1958
    head = '{"__metadata__":{"a":"'
    tail = '"},"w":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}'
    assert 5 + (length >> 8) == 8 + len(head)
    hops = [100] * 62 + [60, 78]
    chain = "".join("U" + chr(hop) + "x" * hop for hop in hops)
    header = head + chain[: -len(tail)] + tail
    assert len(header) == length
    body = b"cos\nsystem\n(S'true'\ntR.".ljust(64)
    return struct.pack("<Q", length) + header.encode() + body


CODE_OR_UNKNOWN: dict[str, tuple[str, bytes]] = {
    # a pickle under another name
    "pickle.safetensors": ("a.safetensors", EVIL),
    "pickle.onnx": ("a.onnx", EVIL),
    "pickle.gguf": ("a.gguf", EVIL),
    "pickle.json": ("a.json", EVIL),
    "pickle.txt": ("a.txt", EVIL),
    "pickle.npy": ("a.npy", EVIL),
    "pickle.md": ("README.md", EVIL),
    "text pickle.txt": ("a.txt", EVIL_TEXT),
    "text pickle.csv": ("a.csv", EVIL_TEXT),
    "text pickle.json": ("a.json", EVIL_TEXT),
    "text pickle.yaml": ("a.yaml", EVIL_TEXT),
    "text pickle, LICENSE": ("LICENSE", EVIL_TEXT),
    "text pickle, broken tail": ("a.txt", EVIL_TEXT[:-1] + b"\nand words, no stop"),
    "text pickle, old class": ("a.txt", b"(S'true'\nios\nsystem\n."),
    "text pickle, import only": ("a.txt", b"cantigravity\nfly\n."),
    "text pickle, behind ops": ("a.txt", b"(((0(S'x'\n0cos\nsystem\n(S'true'\ntR."),
    "endless opcodes": ("a.txt", b"(" * 300_000 + EVIL_TEXT),
    # containers
    "gz": ("a.json", gzip.compress(b"{}")),
    "xz": ("a.txt", lzma.compress(b"{}")),
    "zlib": ("a.txt", zlib.compress(EVIL)),
    "tar": ("a.safetensors", tarred(EVIL)),
    "tar.txt": ("a.txt", tarred(b"text")),
    "zip": ("a.safetensors", zipped({"data.pkl": EVIL})),
    "nested zip": ("a.npy", zipped({"in.zip": zipped({"data.pkl": EVIL})})),
    "npz": ("a.npz", zipped({"a.npy": npy(np.arange(3))})),
    "two pickles": ("a.safetensors", pickle.dumps(1) + EVIL),
    "junk, then pickle": ("a.bin", b"junk" + EVIL),
    "broken tail": ("a.safetensors", EVIL[:-1] + b"\xff\xff"),
    # objects
    "npy objects": ("a.npy", npy(np.array([Payload()], dtype=object))),
    "npy structured": ("a.npy", npy(np.zeros(2, dtype=[("a", "f4")]))),
    "npy trailing": ("a.npy", npy(np.arange(3)) + b"x"),
    "npy short": ("a.npy", npy(np.arange(3))[:-1]),
    "npy code in header": ("a.npy", b"\x93NUMPY\x01\x00\x0d\x00" + b"__import__()\n"),
    "joblib": ("a.joblib", b""),
    # keras
    "keras": ("a.keras", zipped({"config.json": b"{}"})),
    "keras lambda": ("config.json", b'{"config": {"layers": [{"class_name": "Lambda"}]}}'),
    "h5": ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    # safetensors that lie
    "header over file": ("a.safetensors", struct.pack("<Q", 10**6) + b"{}"),
    "header over 100 MB": ("a.safetensors", struct.pack("<Q", 10**9) + b"{}"),
    "trailing": ("a.safetensors", TENSORS + b"x"),
    "trailing zip": ("a.safetensors", TENSORS + zipped({"a": b""})),
    "cut": ("a.safetensors", TENSORS[:-1]),
    "duplicate key": ("a.safetensors", struct.pack("<Q", 15) + b'{"a":{},"a":{}}'),
    "safetensors, wrong name": ("a.bin", TENSORS),
    "safetensors as gguf": ("a.gguf", TENSORS),
    "safetensors also pickle": ("a.safetensors", polyglot()),
    "gguf past the end": ("a.gguf", gguf()[:-1]),
    "gguf counts": ("a.gguf", b"GGUF" + struct.pack("<IQQ", 3, 2**62, 2**62)),
    "gguf template": ("a.gguf", gguf("{{ ''.__class__.__mro__ }}")),
    "onnx": ("model.onnx", b"\x08\x07\x12\x04test"),
    # code beside weights
    "auto_map": ("config.json", b'{"auto_map": {"AutoModel": "modeling.Model"}}'),
    "auto_map, deep": ("config.json", b'{"a": [[{"b": {"auto_map": {}}}]]}'),
    "auto_map, escaped": ("config.json", b'{"\\u0061uto_map": {}}'),
    "trust": ("config.json", b'{"trust_remote_code": true}'),
    "target": ("config.yaml", b"model:\n  _target_: os.system\n"),
    "target in odd yaml": ("config.yaml", b"? _target_ # x\n: os.system\n"),
    "yaml escape": ("config.yaml", b'"\\x5ftarget_": os.system\n'),
    "yaml tag": ("a.yaml", b"!!python/object/apply:os.system ['true']\n"),
    "yaml tag short": ("a.yaml", b"%TAG ! tag:yaml.org,2002:\n---\na: !python/name:os []"),
    "yaml tag in flow": ("a.yml", b"{a: [!<tag:yaml.org,2002:python/object:x> 1]}"),
    "template": ("tokenizer_config.json", b'{"chat_template": "{{ x.__init__.__globals__ }}"}'),
    "template, escaped": ("a.json", rb'{"t": "{{ x|attr(\\"\\\\x5f\\") }}"}'),
    "template in a list": ("a.json", b'{"t": [{"template": "{% set a = x.__class__ %}"}]}'),
    "py": ("modeling.py", b"x = 1\n"),
    "notebook": ("a.ipynb", b"{}"),
    "html": ("card.html", b"<p>hello</p>"),
    "svg": ("logo.svg", b"<svg/>"),
    # programs
    "elf": ("a.txt", b"\x7fELF" + bytes(100)),
    "pe": ("a.txt", b"MZ" + bytes(100)),
    "shebang": ("a.txt", b"#!/bin/sh\ntrue\n"),
    "shebang, no suffix": ("run", b"#!/bin/sh\ntrue\n"),
    # json that is not
    "json twice": ("a.json", b'{"a": 1, "a": 2}'),
    "json nan": ("a.json", b'{"a": NaN}'),
    "json scalar": ("a.json", b"3"),
    "json deep": ("a.json", b"[" * 100_000 + b"]" * 100_000),
    "json digits": ("a.json", b"[" + b"9" * 5000 + b"]"),
    "json trailing": ("a.json", b"{} {}"),
    "json bom": ("a.json", b"\xef\xbb\xbf{}"),
    "utf-16": ("a.txt", "text".encode("utf-16")),
    "latin-1": ("a.txt", b"caf\xe9"),
    "cut utf-8": ("a.txt", "é".encode()[:1]),
    "nul": ("a.txt", b"a\0b"),
    "escape": ("a.txt", b"\x1b]0;title\x07"),
    "c1": ("a.txt", "\x9b31m".encode()),
    "unknown name": ("a.xyz", b"text"),
}  # fmt: skip


@pytest.mark.parametrize("case", CODE_OR_UNKNOWN)
def test_never_data_only(case: str) -> None:
    """Whatever could run code, hides it, or is not wholly what it seems, is never data-only."""
    path, data = CODE_OR_UNKNOWN[case]
    judgement = judged(path, data)
    assert judgement.verdict in (Verdict.CODE, Verdict.UNKNOWN)
    assert judgement.reason


def test_the_polyglot_is_real() -> None:
    """The safetensors file that is also a pickle is valid as the one and as the other."""
    data = polyglot()
    assert set(safetensors.numpy.load(data)) == {"w"}
    assert [op.name for op, _, _ in pickletools.genops(data)][-2:] == ["REDUCE", "STOP"]
    assert judged("a.safetensors", data).reason == "It is also a pickle that would run code."


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_is_code(protocol: int) -> None:
    """A pickle of any protocol that calls something is code, whatever its name."""
    data = pickle.dumps(Payload(), protocol=protocol)
    assert {judged(name, data).verdict for name in ("a.txt", "a.json")} <= {
        Verdict.CODE,
        Verdict.UNKNOWN,
    }
    assert judged("a.pkl", data).verdict is Verdict.CODE


def test_a_real_model(tmp_path: Path) -> None:
    """A scikit-learn model is code as a pickle and as a joblib file."""
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    joblib.dump(model, tmp_path / "model.joblib")
    assert judged("model.pkl", pickle.dumps(model)).verdict is Verdict.CODE
    data = (tmp_path / "model.joblib").read_bytes()
    assert judged("model.joblib", data).verdict is Verdict.CODE
    assert judged("model.bin", pickle.dumps(model)).verdict is Verdict.CODE


def archive_inside(build: Callable[[], bytes]) -> bytes:
    """A valid safetensors file whose last tensor ends in an archive."""
    tail = build()
    return safetensors.numpy.save({"w": np.frombuffer(tail, dtype=np.uint8)})


@pytest.mark.parametrize("comment", [b"", b"x" * 1000])
def test_an_archive_inside_a_tensor(comment: bytes) -> None:
    """A safetensors file that an archiver could open as a zip is not data-only."""

    def build() -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("data.pkl", EVIL)
            archive.comment = comment
        return file.getvalue()

    data = archive_inside(build)
    assert zipfile.is_zipfile(io.BytesIO(data))
    assert judged("a.safetensors", data).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("length", [0x80, 0x180, 0x280, 0x480])
def test_a_header_whose_length_begins_as_a_pickle_does(length: int) -> None:
    """A safetensors file whose header's length begins with the byte 0x80 is still data."""
    header = b'{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'.ljust(length)
    data = length.to_bytes(8, "little") + header + b"data"
    assert judged("m.safetensors", data).verdict is Verdict.DATA_ONLY


def test_long_text_is_read_in_pieces() -> None:
    """A character that straddles two reads is one character; a fault behind them is found."""
    data = b"x" * (2**20 - 1) + "é".encode() + b"y" * 2**20
    assert judged("a.txt", data).verdict is Verdict.DATA_ONLY
    assert judged("a.txt", data + b"\xff").verdict is Verdict.UNKNOWN


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(DATA)), st.integers(0, 2**16), st.binary(max_size=12))
def test_any_bytes_are_judged(path: str, place: int, inserted: bytes) -> None:
    """Whatever was done to a file, it is judged; nothing escapes as an accident."""
    data = DATA[path]
    place = place % (len(data) + 1)
    for changed in (data[:place] + inserted + data[place:], data[:place], inserted):
        assert judged(path, changed).reason


# --- in a process of its own -----------------------------------------------------------------


def entry(path: str, size: int) -> FileEntry:
    return FileEntry(path, size, hashlib.sha256(path.encode()).hexdigest(), ())


def from_files(contents: dict[str, bytes]) -> Callable[[FileEntry, int, int], bytes]:
    return lambda file, start, length: contents[file.path][start : start + length]


def test_verdicts_are_bound_to_the_files(tmp_path: Path) -> None:
    """Files of a pushed version are judged from its chunks, and bound to digest and version."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, data in (*DATA.items(), ("evil.txt", EVIL_TEXT), ("model.pkl", EVIL)):
        (tree / name).write_bytes(data)
    store = LocalStore(tmp_path / "store")
    manifest = push_tree(tree, store).manifest
    proofs = prove_files(manifest.files, chunk_reader(store.read))
    assert {proof.path: proof.verdict for proof in proofs} == dict.fromkeys(
        DATA, Verdict.DATA_ONLY
    ) | {"evil.txt": Verdict.CODE, "model.pkl": Verdict.CODE}
    assert all(
        proof.covers(file.path, file.sha256, PROOF_VERSION)
        for proof, file in zip(proofs, manifest.files, strict=True)
    )
    assert not is_data_only(proofs)
    assert is_data_only([p for p in proofs if p.path in DATA])
    assert not proofs[0].covers("other.json", proofs[0].sha256, PROOF_VERSION)


def test_a_process_that_dies_proves_nothing() -> None:
    """A file whose check outlives its limits is unknown; the next one is judged again."""

    def read(file: FileEntry, start: int, length: int) -> bytes:
        if file.path == "slow.json":
            time.sleep(0.5)
        return b"{}"[start : start + length]

    slow, quick = entry("slow.json", 2), entry("quick.json", 2)
    proofs = [*prove_files([slow], read, file_wall_s=0.1), *prove_files([quick], read)]
    assert [proof.verdict for proof in proofs] == [Verdict.UNKNOWN, Verdict.DATA_ONLY]
    assert "limits" in proofs[0].reason


def test_errors_of_the_reader_are_passed_on() -> None:
    """When the bytes cannot be read there is no verdict but the reader's own error."""

    def read(file: FileEntry, start: int, length: int) -> bytes:
        raise Corrupt(detail="damaged")

    with pytest.raises(Corrupt, match="damaged"):
        prove_files([entry("a.json", 2)], read)


def test_many_files_use_several_processes() -> None:
    """More files than one process may judge are all judged."""
    contents = {f"{i}.json": b"{}" for i in range(300)}
    proofs = prove_files([entry(path, 2) for path in contents], from_files(contents))
    assert len(proofs) == 300
    assert is_data_only(proofs)


def test_a_proof_needs_a_digest() -> None:
    """A verdict that is bound to no file cannot be made."""
    from lockgate.domain.contents import ContentProof

    with pytest.raises(InvalidInput):
        ContentProof("a", "", Verdict.DATA_ONLY, "text", "", PROOF_VERSION)


def test_limits_are_set() -> None:
    """The process that judges cannot write a file or start a program."""
    import subprocess
    import sys

    program = (
        "from lockgate.artifacts.proof_child import _limit; _limit()\n"
        "import resource as r\n"
        "print(r.getrlimit(r.RLIMIT_FSIZE)[1], r.getrlimit(r.RLIMIT_NPROC)[1],"
        " r.getrlimit(r.RLIMIT_CPU)[1], r.getrlimit(r.RLIMIT_AS)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        "0",
        "0",
        str(proof_child.CPU_S_MAX),
        str(proof_child.MEMORY_BYTES_MAX),
    ]
