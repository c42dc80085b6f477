"""The process that judges files: no privileges to lose, little memory, no files, no patience.

It speaks with its parent over standard input and output. A request is a line of JSON,
``{"path", "size"}``. It answers with lines ``{"read": [start, length]}``, after each of which it is
sent exactly so many bytes behind their count (8 bytes, little endian), and finally with
``{"verdict", "format", "reason"}``.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from typing import Final

from lockgate.artifacts.formats import judge

CPU_S_MAX: Final = 120
MEMORY_BYTES_MAX: Final = 2 * 2**30
_FILES_MAX: Final = 16


def main() -> None:
    """Judge files until the input ends."""
    limit_process()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer

    def read(start: int, length: int) -> bytes:
        answers.write(json.dumps({"read": [start, length]}).encode() + b"\n")
        answers.flush()
        (count,) = struct.unpack("<Q", requests.read(8))
        data = requests.read(count)
        if len(data) != count:
            sys.exit(1)
        return data

    for line in requests:
        request = json.loads(line)
        try:
            judged = judge(request["path"], read, request["size"])
            answer = {
                "verdict": judged.verdict,
                "format": judged.format,
                "reason": judged.reason,
            }
        except MemoryError:
            answer = {
                "verdict": "unknown",
                "format": "",
                "reason": "It needs more memory than a check may use.",
            }
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


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
