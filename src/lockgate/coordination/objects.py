"""``s3://BUCKET/PREFIX`` and ``gs://BUCKET/PREFIX``: models in object stores, credentials from
the environment as the stores' own tools find them.

A prefix is a model; its revision is a digest over the names, sizes and ETags under it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions
from obstore.store import from_url

from lockgate.coordination.providers import FILES_MAX, SourceFile, require_files, without_weights
from lockgate.domain.claims import ModelKey
from lockgate.errors import (
    ArtifactNotFound,
    BlobStoreUnavailable,
    Conflict,
    Forbidden,
    InvalidInput,
    LimitExceeded,
)

if TYPE_CHECKING:
    from obstore import GetOptions

__all__ = ["ObjectProvider"]

READ_BYTES = 4 << 20
# Nothing that a URL would take for more than a name, such as ``b?endpoint=…``.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")


class ObjectProvider:
    """One kind of object store. ``open_store`` makes the client of a bucket from its URL."""

    def __init__(self, name: str, open_store: Callable[[str], Any] = from_url) -> None:
        self.name = name
        self._open_store = open_store
        self._stores: dict[str, Any] = {}

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        bucket, _, prefix = reference.removeprefix(f"{self.name}://").partition("/")
        model = f"{bucket}/{prefix}".rstrip("/")
        if not _BUCKET.fullmatch(bucket) or any(
            part in ("", ".", "..") for part in model.split("/")
        ):
            raise InvalidInput(
                field="reference", detail=f"{reference!r} is not {self.name}://BUCKET/PREFIX"
            )
        digest = hashlib.sha256()
        for file in self._found(model):
            digest.update(f"{file.path}\0{file.size}\0{file.version}\0".encode())
        return ModelKey(self.name, model, without_weights(digest.hexdigest(), ignore_weights))

    def list_files(self, key: ModelKey) -> Sequence[SourceFile]:
        return require_files(key, self._found(key.model))

    def read(self, key: ModelKey, file: SourceFile, offset: int) -> Iterator[bytes]:
        if offset == file.size:
            return
        store, prefix = self._store(key.model)
        options: GetOptions = {"range": {"offset": offset}} if offset else {}
        if file.version:
            options["if_match"] = file.version
        with self._translated(f"{key.model}/{file.path}"):
            answer = obstore.get(store, _joined(prefix, file.path), options=options)
            for piece in answer.stream(min_chunk_size=READ_BYTES):
                yield bytes(piece)

    def _found(self, model: str) -> list[SourceFile]:
        store, prefix = self._store(model)
        found = []
        with self._translated(model):
            for page in obstore.list(store, prefix or None):
                for item in page:
                    path = item["path"].removeprefix(prefix).lstrip("/")
                    found.append(
                        SourceFile(path, size=item["size"], version=item.get("e_tag") or "")
                    )
                if len(found) > FILES_MAX:
                    raise LimitExceeded(
                        what=f"The number of objects under {self.name}://{model}",
                        observed=len(found),
                        limit=FILES_MAX,
                    )
        if not found:
            raise ArtifactNotFound(reference=f"{self.name}://{model}")
        return sorted(found, key=lambda file: file.path)

    def _store(self, model: str) -> tuple[Any, str]:
        bucket, _, prefix = model.partition("/")
        if bucket not in self._stores:
            with self._translated(bucket):
                self._stores[bucket] = self._open_store(f"{self.name}://{bucket}")
        return self._stores[bucket], prefix

    def close(self) -> None:
        self._stores.clear()

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        shown = f"{self.name}://{what}"
        try:
            yield
        except (exceptions.NotFoundError, FileNotFoundError) as error:
            raise ArtifactNotFound(reference=shown) from error
        except exceptions.PreconditionError as error:
            raise Conflict(detail=f"{shown} has changed while it was fetched.") from error
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise Forbidden(actor="this client", permission="read", project=shown) from error
        except (exceptions.BaseError, OSError) as error:
            # What follows the first line is the library's own view of it.
            sentence = str(error).split("\n")[0]
            raise BlobStoreUnavailable(detail=f"{shown}: {sentence}") from error


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}/{path}" if prefix else path
