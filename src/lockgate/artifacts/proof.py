"""Prove what files are, in a process with limits: the verdicts that the ``scan`` requirement reads.

The bytes are hostile until proved, so this process only hands them over; the one that parses them
can write no file, start no process and use little memory. When it dies, the file it was looking
at is ``unknown``.
"""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import IO, Any, Final

from lockgate.artifacts.heads import HEAD_BYTES
from lockgate.domain.contents import ContentProof, Verdict
from lockgate.domain.manifests import FileEntry
from lockgate.errors import Corrupt

# Changes whenever the rules do: a verdict of other rules is worth nothing.
PROOF_VERSION: Final = 1
FILE_WALL_S_MAX: Final = 120
_ASKED_AT_ONCE_MAX: Final = 64
# Far below its limit of processor time, so that no file is judged in what another one left.
_CHILD_WALL_S_MAX: Final = 10
_WATCH_S: Final = 0.1
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
    left = deque(files)
    try:
        while left:
            if child is None or child.is_spent():
                if child is not None:
                    child.close()
                child = _Child()
            asked = [left.popleft() for _ in range(min(len(left), _ASKED_AT_ONCE_MAX))]
            answers = child.ask(asked, read, file_wall_s)
            proofs += map(_proof, asked, answers)
            # Those behind one that killed the process have not been looked at.
            left.extendleft(reversed(asked[len(answers) :]))
    finally:
        if child is not None:
            child.close()
    return proofs


def _proof(file: FileEntry, answer: dict[str, Any]) -> ContentProof:
    return ContentProof(
        path=file.path,
        sha256=file.sha256,
        verdict=Verdict(answer["verdict"]),
        format=answer["format"],
        reason=answer["reason"],
        version=PROOF_VERSION,
    )


def chunk_reader(
    read_blob: Callable[[str], bytes], find_head: Callable[[str], bytes | None] | None = None
) -> ReadFile:
    """Return a reader of files that are put together from chunks; keeps one chunk in memory.

    ``read_blob`` returns a chunk, verified, such as ``store.read``; ``find_head`` the beginning of
    one if that is at hand, such as ``heads.find``.
    """
    last: list[Any] = ["", b""]

    def blob(digest: str) -> bytes:
        if last[0] != digest:
            last[:] = [digest, read_blob(digest)]
        data: bytes = last[1]
        return data

    def read(file: FileEntry, start: int, length: int) -> bytes:
        stop = min(start + length, file.size)
        if find_head is not None and start == 0 and file.chunks:
            head = find_head(file.chunks[0].digest)
            if head is not None and len(head) >= stop:
                return head[:stop]
        ends = list(accumulate(chunk.size for chunk in file.chunks))
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
    """The process that judges files, one after the other."""

    def __init__(self) -> None:
        # -I: neither the environment nor the current folder decide what is imported.
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                # Not by -m, which takes as long to find the program as this takes to start it.
                "-c",
                "from lockgate.artifacts.proof_child import main; main()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
        )
        self._began_s = time.monotonic()
        self._bytes = 0
        self._deadline_s = math.inf
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="proof-watch", daemon=True).start()

    def _watch(self) -> None:
        """Kill the process when a file has taken too long; ends with the process."""
        while not self._closed.wait(_WATCH_S):
            if time.monotonic() > self._deadline_s:
                self._process.kill()
                return

    def is_spent(self) -> bool:
        """Tell whether the next file needs a new process: its limit of time is for its life."""
        return (
            self._process.poll() is not None
            or time.monotonic() - self._began_s >= _CHILD_WALL_S_MAX
            or self._bytes >= _CHILD_BYTES_MAX
        )

    def close(self) -> None:
        """End the process and wait for it."""
        self._closed.set()
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                _close(stream)
        self._process.wait()

    def ask(self, files: list[FileEntry], read: ReadFile, wall_s: float) -> list[dict[str, Any]]:
        """Return verdicts, in order; fewer when one gave none, and the process is dead then."""
        answers: list[dict[str, Any]] = []
        try:
            self._deadline_s = time.monotonic() + wall_s
            self._send_heads(files, read)
            for file in files:
                self._deadline_s = time.monotonic() + wall_s
                answers.append(self._converse(file, read))
            self._deadline_s = math.inf
        except (_Silent, BrokenPipeError):
            self.close()
            answers.append({
                "verdict": Verdict.UNKNOWN,
                "format": "",
                "reason": "The check did not end within its limits of time and memory.",
            })  # fmt: skip
        return answers

    def _send_heads(self, files: list[FileEntry], read: ReadFile) -> None:
        """Name the files, with the first bytes of each: of most, nothing else is looked at."""
        heads = [read(file, 0, HEAD_BYTES) for file in files]
        request = [
            {"path": file.path, "size": file.size, "head": len(head)}
            for file, head in zip(files, heads, strict=True)
        ]
        self._bytes += sum(map(len, heads))
        self._write(json.dumps(request).encode(), b"\n", *heads)

    def _converse(self, file: FileEntry, read: ReadFile) -> dict[str, Any]:
        answers = self._process.stdout
        if answers is None:
            raise _Silent
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
            self._write(struct.pack("<Q", len(data)), data)

    def _write(self, *pieces: bytes) -> None:
        requests = self._process.stdin
        if requests is None:
            raise _Silent
        for piece in pieces:
            requests.write(piece)
        requests.flush()


class _Silent(Exception):
    """The process ended, or said something that is no answer."""


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return
