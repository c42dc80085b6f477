"""The proof: data that is data passes, and nothing that could run code is ever called data-only."""

from __future__ import annotations

import hashlib
import io
import pickle
import pickletools
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from hostile_files import CODE_OR_UNKNOWN, EVIL, EVIL_TEXT, TENSORS, Payload, gguf, npy, polyglot
from lockgate.artifacts import proof_child
from lockgate.artifacts.formats import Judgement, judge
from lockgate.artifacts.local import LocalStore
from lockgate.artifacts.pickles import runs_as_pickle
from lockgate.artifacts.proof import PROOF_VERSION, chunk_reader, prove_files
from lockgate.artifacts.pushing import push_tree
from lockgate.domain.contents import Verdict
from lockgate.domain.manifests import FileEntry
from lockgate.errors import Corrupt, InvalidInput


def judged(path: str, data: bytes) -> Judgement:
    return judge(path, lambda start, length: data[start : start + length], len(data))


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
    assert [(proof.path, proof.sha256, proof.version) for proof in proofs] == [
        (file.path, file.sha256, PROOF_VERSION) for file in manifest.files
    ]


def test_escapes_that_python_warns_of() -> None:
    """A text with an escape that Python will refuse one day is walked over without a warning."""
    data = b"S'\\d'\n0cos\nsystem\n."
    assert runs_as_pickle(lambda start, length: data[start : start + length], len(data))


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
    assert {proof.verdict for proof in proofs} == {Verdict.DATA_ONLY}


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
        "from lockgate.artifacts.proof_child import limit_process; limit_process()\n"
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
