"""The process that asks picklescan: a line with a path, then the file; findings come back as JSON.

It has the limits of the process that proves: no file can be written, no process started.
"""

from __future__ import annotations

import io
import json
import logging
import sys

from lockgate.artifacts.proof_child import limit_process

_NAME_CHARS_MAX = 200


def main() -> None:
    """Scan what comes in and say what was found."""
    from picklescan import scanner  # before the limits: it is code of ours, the file is not

    limit_process()
    logging.disable(logging.CRITICAL)
    path = json.loads(sys.stdin.buffer.readline())
    data = io.BytesIO(sys.stdin.buffer.read())
    ending = "." + path.rpartition(".")[2].lower()
    try:
        result = scanner.scan_bytes(data, path, ending)
    except Exception as error:  # noqa: BLE001 - whatever a hostile file does to the scanner
        _answer([], f"the scanner gave up: {type(error).__name__}")
        return
    found = {
        f"{each.safety.value}: {each.module}.{each.name}"[:_NAME_CHARS_MAX]
        for each in result.globals
        if each.safety is not scanner.SafetyLevel.Innocuous
    }
    _answer(sorted(found)[:100], "the scanner could not read all of it" if result.scan_err else "")


def _answer(findings: list[str], note: str) -> None:
    sys.stdout.write(json.dumps({"findings": findings, "note": note}))


if __name__ == "__main__":
    main()
