"""Bytes of a version's file on their way out: a range of it, verified chunk by chunk."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping

from starlette.requests import Request
from starlette.responses import Response

from lockgate.domain.manifests import FileEntry
from lockgate.http.transfers import SEND_BYTES, PacedResponse, Transfers
from lockgate.registry import Registry
from lockgate.services import downloads
from lockgate.services.downloads import FileRange

WHOLE = (0, None)
Span = tuple[int | None, int | None]
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def span_of(header: str) -> Span:
    """Return ``(first, last)`` of a ``Range`` header; all of the file when it means nothing."""
    found = _RANGE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return WHOLE
    first = int(found[1]) if found[1] else None
    return (first, int(found[2]) if found[2] else None)


def send_file(
    request: Request, registry: Registry, file: FileEntry, headers: Mapping[str, str]
) -> Response:
    """Return the answer that carries a file, or the range of it that was asked for.

    Who has the file already (``If-None-Match``) is told so; who has a part of another one
    (``If-Range``) gets all of this one. Raises `InvalidInput` for a range outside of it.
    """
    etag = f'"{file.sha256}"'
    told = {"accept-ranges": "bytes", "cache-control": "no-cache", "etag": etag, **headers}
    if _names(request.headers.get("if-none-match", ""), etag):
        return Response(None, 304, told)
    same = request.headers.get("if-range", etag).strip() == etag
    span = span_of(request.headers.get("range", "")) if same else WHOLE
    part = downloads.find_part(file, span)
    told["content-length"] = str(part.length)
    if span != WHOLE:
        last = part.start + part.length - 1
        told["content-range"] = f"bytes {part.start}-{last}/{file.size}"
    status = 200 if span == WHOLE else 206
    if request.method == "HEAD":
        return Response(None, status, told, media_type="application/octet-stream")
    transfers: Transfers = request.app.state.transfers
    return PacedResponse(
        _pieces(transfers, registry, part), status, told, media_type="application/octet-stream"
    )


def _names(header: str, etag: str) -> bool:
    """Say whether a list of entity tags has this one, strong or weak, or is for any."""
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in header.split(","))


async def _pieces(
    transfers: Transfers, registry: Registry, part: FileRange
) -> AsyncGenerator[memoryview, None]:
    """Yield a part of a file; a chunk that is damaged breaks the connection off."""
    pieces = downloads.read_range(registry.depot, part)
    while True:
        async with transfers.turn():
            piece = await transfers.run(lambda: next(pieces, None))
            if piece is None:
                return
            view = memoryview(piece)
            for first in range(0, len(view), SEND_BYTES):
                yield view[first : first + SEND_BYTES]
