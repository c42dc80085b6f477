"""A scanner's advice: asked for in a process with limits, and never in the way."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO

from hostile_files import EVIL
from lockgate.artifacts.advice import ADVISED_BYTES_MAX, ScanAdvice, advise
from lockgate.domain.manifests import FileEntry


def entry(path: str, size: int) -> FileEntry:
    return FileEntry(path, size, "0" * 64, (), None)


def advised(path: str, data: bytes, wall_s: float = 60) -> ScanAdvice:
    [advice] = advise(
        [entry(path, len(data))], lambda _file, start, length: data[start : start + length],
        wall_s=wall_s,
    )  # fmt: skip
    return advice


def test_findings() -> None:
    """Imports that a scanner calls dangerous or suspicious are named, in archives too."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", EVIL)
    assert advised("a.pkl", EVIL).findings == ("dangerous: posix.system",)
    assert advised("a.pt", file.getvalue()).findings == ("dangerous: posix.system",)
    assert advised("a.pkl", pickle.dumps([1])) == ScanAdvice(path="a.pkl")


def test_a_file_that_ends_badly() -> None:
    """What was found before a scanner gave up is told, and that it gave up."""
    payload = b"\x80\x04cos\nsystem\n\x8e" + (2**62).to_bytes(8, "little")
    assert advised("a.pkl", payload) == ScanAdvice(
        path="a.pkl",
        findings=("dangerous: os.system",),
        note="the scanner could not read all of it",
    )


def test_no_time_and_no_room() -> None:
    """A scan that takes too long, and a file that is too large, are told as such."""
    assert "did not end" in advised("a.pkl", EVIL, wall_s=0.001).note
    [large] = advise([entry("a.bin", ADVISED_BYTES_MAX + 1)], lambda *_words: b"")
    assert "larger than" in large.note
