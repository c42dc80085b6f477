"""What picklescan says of files: advice beside the proof, and never more than that.

A scanner that lists what is bad misses what it does not know, so its word decides nothing. It runs
in a process of its own with the limits of the proof, on bytes that it is handed; nothing is
unpickled. It comes with ``pip install 'lockgate[scan]'``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from lockgate.artifacts.proof import ReadFile
from lockgate.domain.manifests import FileEntry

ADVISED_BYTES_MAX: Final = 128 * 2**20
ADVICE_WALL_S_MAX: Final = 60.0
FINDINGS_MAX: Final = 20
NOT_INSTALLED: Final = "picklescan is not installed here: pip install 'lockgate[scan]'"
_ANSWER_BYTES_MAX: Final = 64 * 2**10


@dataclass(frozen=True, kw_only=True)
class ScanAdvice:
    """What a scanner found in a file, such as ``dangerous: posix.system``.

    No findings are no proof of anything. ``note`` says why there was no scan, if there was none.
    """

    path: str
    findings: tuple[str, ...] = ()
    note: str = ""


def advise(
    files: Iterable[FileEntry], read: ReadFile, *, wall_s: float = ADVICE_WALL_S_MAX
) -> tuple[ScanAdvice, ...]:
    """Return advice on each file. Errors of ``read`` are passed on."""
    if find_spec("picklescan") is None:
        return tuple(ScanAdvice(path=file.path, note=NOT_INSTALLED) for file in files)
    return tuple(_advice_on(file, read, wall_s) for file in files)


def _advice_on(file: FileEntry, read: ReadFile, wall_s: float) -> ScanAdvice:
    if file.size > ADVISED_BYTES_MAX:
        note = f"it is larger than {ADVISED_BYTES_MAX // 2**20} MiB and was not scanned"
        return ScanAdvice(path=file.path, note=note)
    data = json.dumps(file.path).encode() + b"\n" + read(file, 0, file.size)
    try:
        # -I: neither the environment nor the current folder decide what is imported.
        ended = subprocess.run(
            [sys.executable, "-I", "-m", "lockgate.artifacts.advice_child"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            timeout=wall_s,
            check=False,
        )
        answer = json.loads(ended.stdout[:_ANSWER_BYTES_MAX])
    except (subprocess.TimeoutExpired, ValueError):
        note = "the scan did not end within its limits of time and memory"
        return ScanAdvice(path=file.path, note=note)
    found = tuple(str(each) for each in answer["findings"][:FINDINGS_MAX])
    return ScanAdvice(path=file.path, findings=found, note=str(answer["note"]))
