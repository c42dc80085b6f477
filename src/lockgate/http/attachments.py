"""Files on their way out: a part of one or all of it, as an attachment that no browser shows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.responses import StreamingResponse

from lockgate.http.transfers import Transfers
from lockgate.registry import Registry
from lockgate.services import downloads
from lockgate.services.downloads import FileRange

WHOLE = (0, None)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def span_of(header: str | None) -> tuple[int | None, int | None]:
    """Return ``(first, last)`` of a ``Range`` header; `WHOLE` when it means nothing."""
    found = _RANGE.fullmatch(header or "")
    if found is None or found[1] == found[2] == "":
        return WHOLE
    first = int(found[1]) if found[1] else None
    return (first, int(found[2]) if found[2] else None)


def attachment(
    transfers: Transfers, registry: Registry, part: FileRange, *, whole: bool
) -> StreamingResponse:
    """Return the answer that carries a part of a file, or all of it."""
    name = part.file.path.rpartition("/")[2]
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "no-cache",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "content-length": str(part.length),
        "etag": f'"{part.file.sha256}"',
    }
    if not whole:
        last = part.start + part.length - 1
        headers["content-range"] = f"bytes {part.start}-{last}/{part.file.size}"
    return StreamingResponse(
        _pieces(transfers, registry, part),
        status_code=200 if whole else 206,
        headers=headers,
        media_type="application/octet-stream",
    )


async def _pieces(
    transfers: Transfers, registry: Registry, part: FileRange
) -> AsyncIterator[bytes]:
    """Yield a part of a file; a chunk that is damaged breaks the connection off."""
    pieces = downloads.read_range(registry.depot, part)
    while True:
        async with transfers.turn():
            piece = await transfers.run(lambda: next(pieces, None))
            if piece is None:
                return
            yield piece
