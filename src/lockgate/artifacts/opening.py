"""Which blob store a URL names. A store's own libraries are imported when it is asked for."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from lockgate.artifacts.store import BlobStore
from lockgate.errors import InvalidSetting


def open_store(url: str) -> BlobStore:
    """Return the store that a URL names, creating a local folder if need be.

    ``/a/folder``, ``file:///a/folder``, ``memory://``, and through obstore
    ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``az://account/container/prefix``. Credentials
    come from where the clouds' own tools look for them; ``?endpoint=…&region=…`` points S3 at a
    compatible server. InvalidSetting for anything else.
    """
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme in ("", "file"):
        from lockgate.artifacts.local import LocalStore

        return LocalStore(Path(url if not scheme else _file_url_path(url)))
    if scheme in ("memory", "s3", "gs", "az"):
        from lockgate.artifacts.objects import ObjectStore

        return ObjectStore.from_url(url)
    raise InvalidSetting(
        setting="artifacts",
        detail=f"{scheme!r} is no artifact store; use a folder, file, s3, gs, az or memory URL.",
    )


def _file_url_path(url: str) -> str:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or parts.query or not parts.path.startswith("/"):
        raise InvalidSetting(
            setting="artifacts",
            detail=f"{url!r} does not name a folder of this machine; write file:///the/folder.",
        )
    return unquote(parts.path)
