"""Prove what files are, in a process with limits: the verdicts that the ``scan`` requirement reads.

The bytes are hostile until proved, so this process only hands them over; the one that parses them
can write no file, start no process and use little memory. When it dies, the file it was looking
at is ``unknown``.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import IO, Any, Final

from lockgate.domain.contents import ContentProof, Verdict
from lockgate.domain.manifests import FileEntry
from lockgate.errors import Corrupt

# Changes whenever the rules do: a verdict of other rules is worth nothing.
PROOF_VERSION: Final = 1
FILE_WALL_S_MAX: Final = 120
_CHILD_FILES_MAX: Final = 256
_CHILD_BYTES_MAX: Final = 256 * 2**20
_READ_BYTES_MAX: Final = 128 * 2**20
_ANSWER_BYTES_MAX: Final = 64 * 2**10

# Returns the bytes of a file from start to start + length; fewer only at its end.
ReadFile = Callable[[FileEntry, int, int], bytes]


def prove_files(
    files: Iterable[FileEntry], read: ReadFile, *, file_wall_s: float = FILE_WALL_S_MAX
) -> list[ContentProof]:
    """Return a verdict on each file, bound to its name, its SHA-256 and `PROOF_VERSION`.

    ``read`` vouches that the bytes are those of the entry's digest (`chunk_reader` verifies them);
    its errors are passed on. A file that takes longer than ``file_wall_s`` is unknown.
    """
    proofs: list[ContentProof] = []
    child: _Child | None = None
    try:
        for file in files:
            if child is None or child.is_spent():
                if child is not None:
                    child.close()
                child = _Child()
            answer = child.ask(file, read, file_wall_s)
            proofs.append(
                ContentProof(
                    path=file.path,
                    sha256=file.sha256,
                    verdict=Verdict(answer["verdict"]),
                    format=answer["format"],
                    reason=answer["reason"],
                    version=PROOF_VERSION,
                )
            )
    finally:
        if child is not None:
            child.close()
    return proofs


def chunk_reader(read_blob: Callable[[str], bytes]) -> ReadFile:
    """Return a reader of files that are put together from chunks; keeps one chunk in memory.

    ``read_blob`` returns a chunk, verified, such as ``store.read``.
    """
    last: list[Any] = ["", b""]

    def blob(digest: str) -> bytes:
        if last[0] != digest:
            last[:] = [digest, read_blob(digest)]
        data: bytes = last[1]
        return data

    def read(file: FileEntry, start: int, length: int) -> bytes:
        ends = list(accumulate(chunk.size for chunk in file.chunks))
        stop = min(start + length, file.size)
        parts = []
        while start < stop:
            index = bisect_right(ends, start)
            data = blob(file.chunks[index].digest)
            if len(data) != file.chunks[index].size:
                raise Corrupt(
                    detail=f"A chunk of {file.path!r} has not the size it is listed with."
                )
            first = ends[index] - len(data)
            part = data[start - first : stop - first]
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    return read


class _Child:
    """The process that judges, one file at a time."""

    def __init__(self) -> None:
        # -I: neither the environment nor the current folder decide what is imported.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "lockgate.artifacts.proof_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
        )

        self._files = 0
        self._bytes = 0

    def is_spent(self) -> bool:
        """Tell whether the next file needs a new process: its limit of time is for its life."""
        return (
            self._process.poll() is not None
            or self._files >= _CHILD_FILES_MAX
            or self._bytes >= _CHILD_BYTES_MAX
        )

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                _close(stream)
        self._process.wait()

    def ask(self, file: FileEntry, read: ReadFile, wall_s: float) -> dict[str, Any]:
        """Return the verdict on a file; the process is dead afterwards if it gave none."""
        watch = threading.Timer(wall_s, self._process.kill)
        watch.start()
        try:
            return self._converse(file, read)
        except (_Silent, BrokenPipeError):
            self.close()
            return {
                "verdict": Verdict.UNKNOWN,
                "format": "",
                "reason": "The check did not end within its limits of time and memory.",
            }
        finally:
            watch.cancel()

    def _converse(self, file: FileEntry, read: ReadFile) -> dict[str, Any]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise _Silent
        self._files += 1
        requests.write(json.dumps({"path": file.path, "size": file.size}).encode() + b"\n")
        requests.flush()
        while True:
            line = answers.readline(_ANSWER_BYTES_MAX)
            if not line.endswith(b"\n"):
                raise _Silent
            answer: dict[str, Any] = json.loads(line)
            if "read" not in answer:
                return answer
            start, length = answer["read"]
            if start < 0 or not 0 <= length <= _READ_BYTES_MAX:
                raise _Silent
            data = read(file, start, length)
            self._bytes += len(data)
            requests.write(struct.pack("<Q", len(data)))
            requests.write(data)
            requests.flush()


class _Silent(Exception):
    """The process ended, or said something that is no answer."""


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


def is_data_only(proofs: Sequence[ContentProof]) -> bool:
    """Tell whether every file is proved to hold only data, by the rules of this version."""
    return all(
        proof.verdict is Verdict.DATA_ONLY and proof.version == PROOF_VERSION for proof in proofs
    )
