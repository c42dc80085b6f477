"""``file:///PATH``: models that lie on a disk, as a folder or a single file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lockgate.coordination.providers import FILES_MAX, SourceFile, require_files, without_weights
from lockgate.domain.claims import ModelKey
from lockgate.errors import ArtifactNotFound, Conflict, InvalidInput, LimitExceeded, Unavailable

__all__ = ["FolderProvider"]

READ_BYTES = 1 << 20


class FolderProvider:
    """The revision of a folder is a digest over the names, sizes and times of its files."""

    name = "file"

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        parts = urlsplit(reference)
        path = os.path.normpath(unquote(parts.path))
        if parts.netloc not in ("", "localhost") or not os.path.isabs(path):
            raise InvalidInput(
                field="reference",
                detail=f"{reference!r} is not file:///ABSOLUTE/PATH on this machine",
            )
        digest = hashlib.sha256()
        for file in _found(path):
            digest.update(f"{file.path}\0{file.size}\0{file.version}\0".encode())
        return ModelKey("file", path, without_weights(digest.hexdigest(), ignore_weights))

    def list_files(self, key: ModelKey) -> Sequence[SourceFile]:
        return require_files(key, _found(key.model))

    def read(self, key: ModelKey, file: SourceFile, offset: int) -> Iterator[bytes]:
        path = _location(key.model, file.path)
        try:
            with path.open("rb") as source:
                stat = os.fstat(source.fileno())
                if str(stat.st_mtime_ns) != file.version or stat.st_size != file.size:
                    raise Conflict(detail=f"{path} has changed while it was fetched.")
                source.seek(offset)
                while piece := source.read(READ_BYTES):
                    yield piece
        except OSError as error:
            raise Unavailable(detail=f"Cannot read {path}: {error.strerror}.") from error

    def close(self) -> None:
        """Nothing to do."""


def _found(root: str) -> list[SourceFile]:
    base = Path(root)
    try:
        if base.is_file():
            return [_described(base, base.name)]
        found = []
        for folder, folders, names in os.walk(base, onerror=_raise):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file():
                    found.append(_described(path, path.relative_to(base).as_posix()))
            if len(found) > FILES_MAX:
                raise LimitExceeded(
                    what=f"The number of files under {root}", observed=len(found), limit=FILES_MAX
                )
    except FileNotFoundError:
        raise ArtifactNotFound(reference=f"file://{root}") from None
    except OSError as error:
        raise Unavailable(detail=f"Cannot read {root}: {error.strerror}.") from error
    return found


def _described(path: Path, name: str) -> SourceFile:
    stat = path.stat()
    return SourceFile(name, size=stat.st_size, version=str(stat.st_mtime_ns))


def _location(root: str, path: str) -> Path:
    base = Path(root)
    return base if base.is_file() else base / path


def _raise(error: OSError) -> None:
    raise error
