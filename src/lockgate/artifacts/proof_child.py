"""The process that judges files: no privileges to lose, little memory, no files, no patience.

It speaks with its parent over standard input and output. A request is a line of JSON, a list of
``{"path", "size", "head"}``, and then the first ``head`` bytes of each of these files. Of one file
after the other it answers with lines ``{"read": [start, length]}``, after each of which it is sent
exactly so many bytes behind their count (8 bytes, little endian), and finally with
``{"verdict", "format", "reason"}``.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from typing import Any, Final

from lockgate.artifacts.formats import judge

CPU_S_MAX: Final = 120
MEMORY_BYTES_MAX: Final = 2 * 2**30
_FILES_MAX: Final = 16


def main() -> None:
    """Judge files until the input ends."""
    limit_process()
    requests = sys.stdin.buffer
    for line in requests:
        asked = json.loads(line)
        heads = [_exactly(each["head"]) for each in asked]
        for each, head in zip(asked, heads, strict=True):
            _answer(_judged(each["path"], each["size"], head))


def _judged(path: str, size: int, head: bytes) -> dict[str, Any]:
    def read(start: int, length: int) -> bytes:
        if start + length <= len(head) or len(head) == size:
            return head[start : start + length]
        _answer({"read": [start, length]})
        (count,) = struct.unpack("<Q", _exactly(8))
        return _exactly(count)

    try:
        judged = judge(path, read, size)
    except MemoryError:
        reason = "It needs more memory than a check may use."
        return {"verdict": "unknown", "format": "", "reason": reason}
    return {"verdict": judged.verdict, "format": judged.format, "reason": judged.reason}


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


def _exactly(count: int) -> bytes:
    data = sys.stdin.buffer.read(count)
    if len(data) != count:
        sys.exit(1)
    return data


def limit_process() -> None:
    """Give up, for good, what judging a file needs not."""
    for what, most in (
        (resource.RLIMIT_CPU, CPU_S_MAX),
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _FILES_MAX),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, ceiling = resource.getrlimit(what)
        most = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
