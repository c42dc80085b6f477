"""Documents that commands read: TOML or JSON, from a file or from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from lockgate.errors import InvalidInput, LimitExceeded, Unavailable

FILE_BYTES_MAX = 1_000_000


def read_document(file: str) -> dict[str, Any]:
    """Return the object that a TOML or JSON file holds. Raises `InvalidInput`."""
    text = read_text(file)
    form = "JSON" if is_json(file, text) else "TOML"
    try:
        if form == "JSON":
            document = json.loads(text)
        else:
            import tomllib

            document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(detail=f"{file} is not valid {form}: {error}", field="file") from None
    if not isinstance(document, dict):
        raise InvalidInput(detail=f"{file} holds no object with fields", field="file")
    return document


def is_json(file: str, text: str) -> bool:
    """Say whether a document is JSON: by the end of its name, else by how it begins."""
    return file.endswith(".json") or (not file.endswith(".toml") and text.lstrip().startswith("{"))


def read_text(file: str) -> str:
    """Return the UTF-8 text of a file; ``-`` is standard input.

    Raises `InvalidInput`, `LimitExceeded` beyond a million bytes.
    """
    try:
        raw = _bytes_of(file)
    except OSError as error:
        raise InvalidInput(
            detail=f"cannot read {file}: {error.strerror or error}", field="file"
        ) from None
    if len(raw) > FILE_BYTES_MAX:
        raise LimitExceeded(
            what=f"The size of {file}", observed=f"over {FILE_BYTES_MAX}", limit=FILE_BYTES_MAX
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(detail=f"{file} is not UTF-8 text: {error}", field="file") from None


def append_text(file: str, text: str) -> None:
    """Add text to the end of a file. Raises `Unavailable` when it cannot be written."""
    _write(file, text, "a")


def write_text(file: str, text: str) -> None:
    """Write a file anew. Raises `Unavailable` when it cannot be written."""
    _write(file, text, "w")


def write_lines(file: str, lines: Iterable[str]) -> int:
    """Write lines to a file as they come; return how many. Raises `Unavailable`."""
    count = 0
    with _writing(file, "w") as stream:
        for line in lines:
            stream.write(line)
            count += 1
    return count


@contextmanager
def open_lines(file: str) -> Iterator[Iterator[str]]:
    """Yield the lines of a UTF-8 file one by one, however many. Raises `InvalidInput`."""
    try:
        with Path(file).open(encoding="utf-8", newline="\n") as stream:
            yield iter(stream)
    except UnicodeDecodeError as error:
        raise InvalidInput(detail=f"{file} is not UTF-8 text: {error}", field="file") from None
    except OSError as error:
        raise InvalidInput(
            detail=f"cannot read {file}: {error.strerror or error}", field="file"
        ) from None


def _write(file: str, text: str, how: Literal["a", "w"]) -> None:
    with _writing(file, how) as stream:
        stream.write(text)


@contextmanager
def _writing(file: str, how: Literal["a", "w"]) -> Iterator[IO[str]]:
    try:
        with Path(file).open(how, encoding="utf-8", newline="\n") as stream:
            yield stream
    except OSError as error:
        raise Unavailable(detail=f"cannot write {file}: {error.strerror or error}") from None


def _bytes_of(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    with Path(file).open("rb") as stream:
        return stream.read(FILE_BYTES_MAX + 1)
