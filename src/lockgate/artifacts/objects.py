"""A blob store in a bucket (S3 and compatible, Google Cloud Storage, Azure) or in memory.

A bucket's PUT is atomic and durable, so a blob is one PUT, and putting it again overwrites equal
bytes by equal bytes.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, Literal, Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

import obstore
from obstore import exceptions
from obstore import store as clouds

from lockgate.artifacts import layout
from lockgate.artifacts.store import (
    BLOB_BYTES_MAX,
    OWNER_BYTES_MAX,
    Data,
    StoredItem,
    check_blob,
    check_blobs,
    check_manifest,
)
from lockgate.errors import (
    BlobNotFound,
    BlobStoreUnavailable,
    DigestMismatch,
    InvalidInput,
    InvalidSetting,
    LimitExceeded,
)

REQUESTS_AT_ONCE_MAX: Final = 16
URL_EXPIRES_S_MAX: Final = 7 * 24 * 3600
_CLIENT: Final = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=60)}
_RETRY: Final = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
_S3_OPTIONS: Final = frozenset({"endpoint", "region"})


class ObjectStore:
    """`BlobStore` over anything obstore speaks to."""

    def __init__(self, bucket: Any, place: str) -> None:
        """Use an obstore store; ``place`` names it in errors (a URL without credentials)."""
        self._bucket = bucket
        self._in_memory = isinstance(bucket, clouds.MemoryStore)
        self.place = place
        self._pool = ThreadPoolExecutor(REQUESTS_AT_ONCE_MAX, thread_name_prefix="blobs")

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return the store at ``memory://``, ``s3://``, ``gs://`` or ``az://``; InvalidSetting."""
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if parts.scheme == "memory":
            return cls(clouds.MemoryStore(), place)
        options = dict(parse_qsl(parts.query))
        if parts.username or options.keys() - (_S3_OPTIONS if parts.scheme == "s3" else set()):
            raise InvalidSetting(
                setting="artifacts",
                detail=f"{place!r} takes no user and no options but endpoint and region (S3); "
                "credentials come from the environment.",
            )
        client: dict[str, Any] = dict(_CLIENT)
        if options.get("endpoint", "").startswith("http://"):
            client |= {"allow_http": True}
        try:
            bucket = (
                _azure(parts, client)
                if parts.scheme == "az"
                else clouds.from_url(place, client_options=client, retry_config=_RETRY, **options)  # type: ignore[call-overload, unused-ignore]
            )
        except (exceptions.BaseError, ValueError) as error:
            raise InvalidSetting(setting="artifacts", detail=str(error)[:500]) from error
        return cls(bucket, place)

    def close(self) -> None:
        """End the threads; the store is not used afterwards."""
        self._pool.shutdown()

    # --- blobs -------------------------------------------------------------------------------

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        check_blobs(blobs)
        self._each(lambda blob: self._put(layout.blob_path(blob[0]), blob[1]), blobs)

    def read(self, digest: str) -> bytes:
        data = self._read(layout.blob_path(digest), digest)
        check_blob(digest, data)
        return data

    def read_range(self, digest: str, start: int, length: int) -> bytes:
        if start < 0 or length < 0:
            raise InvalidInput(detail="A range starts at 0 or later and is not negative.")
        path = layout.blob_path(digest)
        with self._reporting(digest):
            size = obstore.head(self._bucket, path)["size"]
            end = min(start + length, size)
            if start >= end:
                return b""
            return bytes(obstore.get_range(self._bucket, path, start=start, end=end))

    def missing(self, digests: Collection[str]) -> set[str]:
        paths = {digest: layout.blob_path(digest) for digest in digests}
        found = self._each(lambda digest: self._exists(paths[digest]), list(paths))
        return {digest for digest, is_there in zip(paths, found, strict=True) if not is_there}

    def delete(self, digest: str) -> None:
        self._delete(layout.blob_path(digest))

    def set_aside(self, digest: str) -> None:
        source = layout.blob_path(digest)
        name = f"{source.rpartition('/')[2]}.{secrets.token_hex(8)}"
        with self._reporting(), contextlib.suppress(FileNotFoundError, exceptions.NotFoundError):
            obstore.copy(self._bucket, source, f"{layout.CORRUPT}/{name}")
            self._delete(source)

    def list_blobs(self) -> Iterator[StoredItem]:
        return self._list_content(layout.BLOBS)

    # --- manifests ---------------------------------------------------------------------------

    def put_manifest(self, digest: str, data: bytes) -> None:
        check_manifest(digest, data)
        self._put(layout.manifest_path(digest), data)

    def read_manifest(self, digest: str) -> bytes:
        data = self._read(layout.manifest_path(digest), digest)
        check_manifest(digest, data)
        return data

    def delete_manifest(self, digest: str) -> None:
        self._delete(layout.manifest_path(digest))

    def list_manifests(self) -> Iterator[StoredItem]:
        return self._list_content(layout.MANIFESTS)

    # --- housekeeping ------------------------------------------------------------------------

    def list_strays(self) -> Iterator[StoredItem]:
        for kind in layout.STRAY_FOLDERS:
            yield from self._list(kind)

    def delete_stray(self, name: str) -> None:
        kind, _, rest = name.partition("/")
        if kind not in layout.STRAY_FOLDERS or not rest or "/" in rest or rest in (".", ".."):
            raise InvalidInput(detail=f"{name!r} is not a stray of this store.", field="name")
        self._delete(name)

    def clock_s(self) -> float:
        self._put(layout.CLOCK, b"")
        with self._reporting():
            modified = obstore.head(self._bucket, layout.CLOCK)["last_modified"]
        return float(modified.timestamp())

    def read_owner(self) -> bytes | None:
        with self._reporting():
            try:
                found = bytes(obstore.get(self._bucket, layout.OWNER).bytes())
            except (FileNotFoundError, exceptions.NotFoundError) as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            return found[:OWNER_BYTES_MAX]

    def put_owner(self, data: bytes, *, replace: bool = False) -> bytes:
        with self._reporting():
            try:
                mode: Literal["create", "overwrite"] = "overwrite" if replace else "create"
                obstore.put(self._bucket, layout.OWNER, data, mode=mode, use_multipart=False)
            except exceptions.AlreadyExistsError:
                pass  # somebody was first: what they wrote is the answer
            except (exceptions.NotSupportedError, exceptions.GenericError):
                # A server without conditional writes: the last of several that try is the one.
                obstore.put(self._bucket, layout.OWNER, data, use_multipart=False)
        return self.read_owner() or b""

    # --- URLs --------------------------------------------------------------------------------

    def find_download_url(self, digest: str, expires_s: int) -> str | None:
        return self._sign("GET", layout.blob_path(digest), expires_s)

    def find_upload_url(self, digest: str, expires_s: int, sender: str = "") -> str | None:
        return self._sign("PUT", layout.incoming_path(digest, sender), expires_s)

    def admit(self, digest: str, sender: str = "") -> None:
        path = layout.incoming_path(digest, sender)
        with self._reporting(digest):
            size = obstore.head(self._bucket, path)["size"]
        if size > BLOB_BYTES_MAX:
            self._delete(path)
            raise LimitExceeded(what="A blob's size in bytes", observed=size, limit=BLOB_BYTES_MAX)
        data = self._read(path, digest)
        try:
            check_blob(digest, data)
        except DigestMismatch:
            self._delete(path)
            raise
        # Put what was verified rather than copy what lies there: the URL may be used twice.
        self._put(layout.blob_path(digest), data)
        self._delete(path)

    def _sign(self, method: str, path: str, expires_s: int) -> str | None:
        if not 1 <= expires_s <= URL_EXPIRES_S_MAX:
            raise InvalidInput(
                detail=f"expires_s is {expires_s}, not between 1 and {URL_EXPIRES_S_MAX}.",
                field="expires_s",
            )
        if isinstance(self._bucket, clouds.MemoryStore):
            return None
        with self._reporting():
            try:
                signed = obstore.sign(self._bucket, method, path, timedelta(seconds=expires_s))  # type: ignore[call-overload, unused-ignore]
            except exceptions.NotSupportedError:
                return None
            return str(signed)

    # --- the bucket --------------------------------------------------------------------------

    def _each(self, do: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Apply ``do`` to every item, several at once; raise the first error after all ended."""
        if len(items) <= 1:
            return [do(item) for item in items]
        futures = [self._pool.submit(do, item) for item in items]
        for future in futures:
            future.exception()
        return [future.result() for future in futures]

    def _put(self, path: str, data: Data) -> None:
        if self._in_memory:
            # It keeps what it is given, and the caller's memory is used again.
            data = bytes(data)
        with self._reporting():
            obstore.put(self._bucket, path, data, use_multipart=False)

    def _read(self, path: str, digest: str) -> bytes:
        with self._reporting(digest):
            return bytes(obstore.get(self._bucket, path).bytes())

    def _exists(self, path: str) -> bool:
        with self._reporting():
            try:
                obstore.head(self._bucket, path)
            except (FileNotFoundError, exceptions.NotFoundError):
                return False
            return True

    def _delete(self, path: str) -> None:
        with self._reporting(), contextlib.suppress(FileNotFoundError, exceptions.NotFoundError):
            obstore.delete(self._bucket, path)

    def _list_content(self, kind: str) -> Iterator[StoredItem]:
        for item in self._list(kind):
            digest = layout.find_digest(item.name)
            if digest is not None:
                yield StoredItem(digest, item.size, item.modified_s)

    def _list(self, kind: str) -> Iterator[StoredItem]:
        with self._reporting():
            pages: Iterable[Any] = obstore.list(self._bucket, prefix=f"{kind}/")
            for page in pages:
                for meta in page:
                    modified_s = meta["last_modified"].timestamp()
                    yield StoredItem(meta["path"], meta["size"], modified_s)

    @contextlib.contextmanager
    def _reporting(self, digest: str | None = None) -> Iterator[None]:
        """Turn what the bucket says into our errors; a missing bucket is not a missing blob."""
        try:
            yield
        except (exceptions.BaseError, OSError) as error:
            is_absent = isinstance(error, (FileNotFoundError, exceptions.NotFoundError))
            if is_absent and digest is not None and "NoSuchBucket" not in str(error):
                raise BlobNotFound(digest=digest) from error
            raise BlobStoreUnavailable(detail=f"{self.place}: {_brief(error)}") from error


def _azure(parts: SplitResult, client: dict[str, Any]) -> Any:
    """Return the store at ``az://account/container/prefix``.

    The library takes the first part for the container, and the account from the environment.
    """
    container, _, prefix = parts.path.strip("/").partition("/")
    if not container or "@" in parts.netloc:
        raise ValueError("Azure's URL is az://account/container/prefix.")
    return clouds.AzureStore(
        container,
        prefix=prefix or None,
        account_name=parts.netloc,
        client_options=client,  # type: ignore[arg-type, unused-ignore]
        retry_config=_RETRY,  # type: ignore[arg-type, unused-ignore]
    )


def _brief(error: Exception) -> str:
    """Return the first line of what the client says, without its debugging output."""
    return str(error).split("\n")[0][:300]
