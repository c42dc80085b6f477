"""``https://…`` and ``http://…``: a single file on a web server.

``#sha256=HEX`` pins the bytes; without it the server's ETag (or time and size) is the revision.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from urllib.parse import unquote, urlsplit

import httpx

from lockgate.coordination.providers import SourceFile, require_files, without_weights
from lockgate.domain.addresses import AddressRules
from lockgate.domain.claims import ModelKey
from lockgate.errors import (
    ArtifactNotFound,
    Conflict,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    ServerUnreachable,
    Unauthenticated,
)
from lockgate.outbound import AddressRefused, open_client

__all__ = ["Connect", "WebFiles", "WebProvider"]

DOCUMENT_BYTES_MAX = 64 * 2**20
ANYWHERE = AddressRules(anywhere=True)

# Opens the client that requests go through, with these headers on each of them.
Connect = Callable[[Mapping[str, str]], httpx.Client]

_PINNED = re.compile(r"sha256=([0-9a-f]{64})")


class WebFiles:
    """Files behind URLs, read from any offset. Redirects are followed, a few.

    Without ``connect`` they may lie anywhere: whoever names them is the operator.
    """

    def __init__(
        self, headers: Mapping[str, str] | None = None, connect: Connect | None = None
    ) -> None:
        self._headers = headers or {}
        self._connect = connect or (lambda sent: open_client(ANYWHERE, headers=sent))

    @cached_property
    def _client(self) -> httpx.Client:
        # Bytes as they are stored: sizes, offsets and digests are of those.
        return self._connect({"Accept-Encoding": "identity", **self._headers})

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()

    def head(self, url: str) -> httpx.Headers:
        with _translated(url):
            answer = self._client.head(url)
            _require_ok(answer, url)
            return answer.headers

    def get(self, url: str) -> bytes:
        """Return a document of at most `DOCUMENT_BYTES_MAX` bytes."""
        with _translated(url), self._client.stream("GET", url) as answer:
            _require_ok(answer, url)
            document = bytearray()
            for piece in answer.iter_raw():
                document += piece
                if len(document) > DOCUMENT_BYTES_MAX:
                    raise LimitExceeded(
                        what=f"The size of {_shown(url)} in bytes",
                        observed=len(document),
                        limit=DOCUMENT_BYTES_MAX,
                    )
            return bytes(document)

    def read(self, url: str, file: SourceFile, offset: int) -> Iterator[bytes]:
        """Yield the bytes from an offset on. Raises Conflict if ``file.version`` is an old ETag."""
        headers = {}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        if _is_strong(file.version):
            headers["If-Match"] = file.version
        with _translated(url), self._client.stream("GET", url, headers=headers) as answer:
            is_old = answer.is_success and answer.headers.get("ETag") != file.version
            if answer.status_code == 412 or (is_old and _is_strong(file.version)):
                raise Conflict(detail=f"{_shown(url)} has changed while it was fetched.")
            if answer.status_code == 416 and offset == file.size:
                return
            _require_ok(answer, url)
            skip = 0 if answer.status_code == 206 else offset  # a server that knows no ranges
            for piece in answer.iter_raw():
                yield piece[skip:] if skip else piece
                skip = max(0, skip - len(piece))


class WebProvider:
    """One URL is one model of one file."""

    def __init__(self, name: str = "https", files: WebFiles | None = None) -> None:
        self.name = name
        self._files = files or WebFiles()

    def resolve(self, reference: str, *, ignore_weights: bool) -> ModelKey:
        parts = urlsplit(reference)
        if parts.username is not None or not parts.hostname or parts.path.endswith("/"):
            raise InvalidInput(
                field="reference",
                detail=f"{_shown(reference)!r} is not {self.name}://HOST/PATH/FILE[#sha256=HEX]; "
                "a name and password do not belong into it",
            )
        url = parts._replace(fragment="").geturl()
        model = url.removeprefix(f"{parts.scheme}://")
        if parts.fragment:
            pinned = _PINNED.fullmatch(parts.fragment)
            if pinned is None:
                raise InvalidInput(
                    field="reference", detail=f"#{parts.fragment} is not #sha256=64 hex digits"
                )
            revision = parts.fragment
        else:
            file = _described(url, self._files.head(url))
            identity = f"{file.version}\0{file.size}"
            revision = hashlib.sha256(identity.encode()).hexdigest()
        return ModelKey(self.name, model, without_weights(revision, ignore_weights))

    def list_files(self, key: ModelKey) -> Sequence[SourceFile]:
        url = f"{self.name}://{key.model}"
        file = _described(url, self._files.head(url))
        pinned = _PINNED.match(key.revision)
        if pinned:
            file = replace(file, sha256=pinned[1])
        return require_files(key, [file])

    def read(self, key: ModelKey, file: SourceFile, offset: int) -> Iterator[bytes]:
        return self._files.read(f"{self.name}://{key.model}", file, offset)

    def close(self) -> None:
        self._files.close()


def _described(url: str, headers: httpx.Headers) -> SourceFile:
    length = headers.get("Content-Length", "")
    version = headers.get("ETag") or headers.get("Last-Modified", "")
    name = unquote(urlsplit(url).path).rpartition("/")[2] or "model"
    return SourceFile(name, size=int(length) if length.isdecimal() else None, version=version)


def _is_strong(version: str) -> bool:
    return version.startswith('"')


def _require_ok(answer: httpx.Response, url: str) -> None:
    if answer.is_success:
        return
    shown = _shown(url)
    if answer.status_code in (404, 410):
        raise ArtifactNotFound(reference=shown)
    if answer.status_code == 401:
        raise Unauthenticated(detail=f"{shown} wants to know who asks (401).")
    if answer.status_code == 403:
        raise Forbidden(
            actor="this client", permission="read", project=shown, detail=f"{shown} answers 403"
        )
    raise ServerUnreachable(url=shown, detail=f"it answers {answer.status_code}")


def _shown(url: str) -> str:
    """Return a URL without what may be secret in it."""
    return re.sub(r"//[^/?#]*@", "//***@", url.partition("?")[0])


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, AddressRefused) as error:
        raise InvalidInput(field="reference", detail=f"{_shown(url)!r}: {error}") from error
    except httpx.HTTPError as error:
        detail = f"{type(error).__name__}: {error}".rstrip(": ")
        raise ServerUnreachable(url=_shown(url), detail=detail) from error
