"""What a client sends of a commit: one JSON object a line.

A header, then files (in base64, or by the hash of one that was uploaded before), then what is to be
deleted. It is read from a spooled file. A line that is long, which a file makes it, is taken apart
as it is read: a commit takes no more memory than `LINE_BYTES_MAX`, whatever is in it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lockgate.dialects.huggingface.answers import NotSpoken
from lockgate.domain.paths import PathLimits, path_faults
from lockgate.errors import InvalidInput, LimitExceeded
from lockgate.services.uploads import spool_name
from lockgate.wire.values import read_json

LINE_BYTES_MAX = 4 * 2**20
OPERATIONS_MAX = 100_000
_CONTENT = re.compile(rb'"content"\s*:\s*"')
_ARRIVING = "arriving"


@dataclass
class Commit:
    """A commit as it was sent; ``inline`` are paths by the names of their spooled files."""

    summary: str = ""
    description: str = ""
    parent: str | None = None
    inline: dict[str, str] = field(default_factory=dict)
    by_hash: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    deleted_folders: list[str] = field(default_factory=list)


def read_commit(body: BinaryIO, folder: Path) -> Commit:
    """Return the commit that ``body`` says; files in it are written into ``folder``.

    Raises `InvalidInput`, `LimitExceeded`.
    """
    reading = _Reading(folder)
    for number in range(OPERATIONS_MAX + 1):
        line = body.readline(LINE_BYTES_MAX)
        if not line:
            return reading.commit()
        arrived = None
        if len(line) == LINE_BYTES_MAX and not line.endswith(b"\n"):
            arrived = folder / _ARRIVING
            line = _take_content(body, line, arrived, number)
        if line.strip():
            reading.take(number, line, arrived)
    raise LimitExceeded(what="The number of operations", observed="more", limit=OPERATIONS_MAX)


def check_path(path: Any) -> str:
    """Return a path that a version may hold. Raises `InvalidInput`."""
    if not isinstance(path, str):
        raise InvalidInput(detail="path must be text", field="path")
    faults = path_faults(path, PathLimits())
    if faults:
        raise InvalidInput(
            detail=f"{path[:200]!r} cannot be a file of a version: {'; '.join(faults)}",
            field="path",
        )
    return path


def _take_content(body: BinaryIO, line: bytes, into: Path, number: int) -> bytes:
    """Write the content that a long line holds in base64 to a file; return the line without it."""
    found = _CONTENT.search(line)
    if found is None:
        raise LimitExceeded(
            what=f"The size of line {number + 1} of a commit, which is no file,",
            observed=f"more than {LINE_BYTES_MAX} bytes",
            limit=f"{LINE_BYTES_MAX} bytes",
        )
    before, piece, left = line[: found.end()], line[found.end() :], b""
    with into.open("wb") as file:
        while True:
            text, quote, after = piece.partition(b'"')
            left += text
            whole = len(left) - len(left) % 4
            file.write(_decoded(left if quote else left[:whole]))
            if quote:
                break
            left = left[whole:]
            piece = body.read(LINE_BYTES_MAX)
            if not piece:
                raise InvalidInput(detail=f"Line {number + 1} is not JSON: it ends", field="body")
    rest, newline, next_line = after.partition(b"\n")
    if newline:
        body.seek(-len(next_line), 1)
    else:
        rest += body.readline(LINE_BYTES_MAX)
    return before + b'"' + rest


class _Reading:
    """A commit of which some lines were read. A later line about a path counts, not an earlier."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._commit = Commit()
        self._spooled: dict[str, str] = {}  # the names of files in the folder, by their paths

    def commit(self) -> Commit:
        """Return what all lines said."""
        self._commit.inline = {spooled: path for path, spooled in self._spooled.items()}
        return self._commit

    def take(self, number: int, line: bytes, arrived: Path | None) -> None:
        """Add what a line says; ``arrived`` is the file that was its content."""
        kind, value = _parsed(number, line)
        if arrived is not None and (kind != "file" or value.get("encoding") != "base64"):
            raise InvalidInput(detail="A long line is a file in base64", field="encoding")
        if kind == "header":
            self._commit.summary = _text(value, "summary")
            self._commit.description = _text(value, "description")
            self._commit.parent = _text(value, "parentCommit") or None
        elif kind == "deletedFile":
            self._commit.deleted.append(_text(value, "path").strip("/"))
        elif kind == "deletedFolder":
            self._commit.deleted_folders.append(_text(value, "path").strip("/"))
        elif kind == "file":
            self._take_file(number, check_path(value.get("path")), value, arrived)
        elif kind == "lfsFile":
            self._take_by_hash(check_path(value.get("path")), _text(value, "oid"))
        else:
            raise NotSpoken(detail=f"Lockgate knows no operation {kind!r} of a commit.")

    def _take_file(
        self, number: int, path: str, value: dict[str, Any], arrived: Path | None
    ) -> None:
        self._commit.by_hash.pop(path, None)
        into = self._folder / self._spooled.setdefault(path, spool_name(number, path))
        if arrived is None:
            into.write_bytes(_content(value))
        else:
            arrived.replace(into)

    def _take_by_hash(self, path: str, oid: str) -> None:
        self._commit.by_hash[path] = oid
        spooled = self._spooled.pop(path, None)
        if spooled is not None:
            (self._folder / spooled).unlink()


def _parsed(number: int, line: bytes) -> tuple[Any, dict[str, Any]]:
    """Return the key and the value of a line. Raises `InvalidInput`."""
    try:
        said = read_json(line)
    except InvalidInput as error:
        raise InvalidInput(detail=f"Line {number + 1}: {error}", field="body") from None
    value = said.get("value") if isinstance(said, dict) else None
    if not isinstance(value, dict):
        raise InvalidInput(detail=f"Line {number + 1} has no key and value", field="body")
    return said.get("key"), value


def _content(value: dict[str, Any]) -> bytes:
    text = _text(value, "content")
    return _decoded(text) if value.get("encoding") == "base64" else text.encode()


def _decoded(text: str | bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(detail=f"content is not base64: {error}", field="content") from None


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name) or ""
    if not isinstance(found, str):
        raise InvalidInput(detail=f"{name} must be text", field=name)
    return found
