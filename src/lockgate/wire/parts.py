"""Of what file the blobs of a body are a part, in a header.

Lockgate-Part: files                                each blob is a whole file
Lockgate-Part: 6f1c…(32 digits) 8388608 1073741824  upload, first byte, bytes of the file
"""

from __future__ import annotations

import re
from typing import Final

from lockgate.artifacts.passing import FILES, Part
from lockgate.errors import InvalidInput

PART_HEADER: Final = "Lockgate-Part"
_FILES: Final = "files"
_PART: Final = re.compile(r"([0-9a-f]{32}) (0|[1-9][0-9]{0,14}) ([1-9][0-9]{0,14})", re.ASCII)


def part_text(part: Part) -> str:
    """Return what the header says of a part."""
    return _FILES if part == FILES else f"{part.upload} {part.start} {part.size}"


def read_part(text: str | None) -> Part | None:
    """Return the part that a header names; None where there is none. `InvalidInput`."""
    if text is None:
        return None
    if text == _FILES:
        return FILES
    found = _PART.fullmatch(text)
    if found is None or int(found[2]) >= int(found[3]):
        raise InvalidInput(
            detail=f"A part is {_FILES!r}, or 32 hexadecimal digits, its first byte and the bytes "
            f"of the file; got {text[:60]!r}",
            field=PART_HEADER,
        )
    return Part(found[1], int(found[2]), int(found[3]))
