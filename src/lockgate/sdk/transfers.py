"""Chunks to the server and back: many in a request, straight to the bucket where there is one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lockgate.artifacts.batches import together
from lockgate.artifacts.passing import FILES, Part
from lockgate.artifacts.store import BLOB_BYTES_MAX, UPLOAD_HEADERS, Data
from lockgate.errors import ServerUnreachable
from lockgate.sdk.transport import Transport
from lockgate.wire import frames
from lockgate.wire.parts import PART_HEADER, part_text
from lockgate.wire.values import write_json

if TYPE_CHECKING:
    import httpx

    from lockgate.artifacts.pulling import Fetch

API = "/api/v1"
SILENCE_S_MAX = 120.0
"""How long a transfer may stand still."""
DIRECT_BYTES_MIN = 2**20
"""Chunks that are worth a URL of their own; smaller ones travel together."""


class Transfers:
    """A `Sink` and a source of chunks: a server, and the bucket behind it if there is one."""

    def __init__(self, transport: Transport, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._headers = dict(headers)
        # None until the first large chunk: whether the store can be reached without the server.
        self._direct: bool | None = None

    # --- a sink ------------------------------------------------------------------------------

    def missing(self, digests: Collection[str]) -> set[str]:
        """Return those of the blobs that the server has not; at most 1000 are asked about."""
        return set(self._ask("/artifacts/missing", digests)["missing"])

    def put_many(self, blobs: Sequence[tuple[str, Data]]) -> None:
        """Send blobs; on return the server has verified and kept all of them."""
        for batch in _batches(self._put_direct(blobs)):
            self._put(batch)

    def put_part(self, blobs: Sequence[tuple[str, Data]], part: Part) -> None:
        """Send blobs, and say of what file they are a part: the server hashes it as it comes."""
        left = self._put_direct(blobs)
        if len(left) != len(blobs) and part != FILES:
            # What went to the bucket did not pass by the server.
            self.put_many(left)
            return
        start = part.start
        for batch in _batches(left):
            self._put(batch, part if part == FILES else replace(part, start=start))
            start += sum(len(data) for _, data in batch)

    def _put(self, blobs: Sequence[tuple[str, Data]], part: Part | None = None) -> None:
        pieces = frames.pack_blobs(blobs)
        words = {} if part is None else {PART_HEADER: part_text(part)}
        self._exchange("POST", "/artifacts/blobs", pieces, frames.MEDIA_TYPE, words)

    def _put_direct(self, blobs: Sequence[tuple[str, Data]]) -> list[tuple[str, Data]]:
        """Send what is large straight to the bucket; return what is left to be sent to us."""
        large = [blob for blob in blobs if len(blob[1]) >= DIRECT_BYTES_MIN]
        if not large or self._direct is False:
            return list(blobs)
        urls = self.upload_urls([digest for digest, _ in large])
        sent: list[str] = []
        for (digest, data), url in zip(large, urls, strict=True):
            if url is None or not self._put_at(url, data):
                self._direct = False
                break
            sent.append(digest)
        if sent:
            self._direct = True if self._direct is None else self._direct
            self.admit(sent)
        return [blob for blob in blobs if blob[0] not in sent]

    def _put_at(self, url: str, data: Data) -> bool:
        """Send a blob to the bucket; False when that is not possible from here."""
        import httpx

        try:
            answer = self._outside().put(
                url, content=bytes(data), headers=UPLOAD_HEADERS, timeout=SILENCE_S_MAX
            )
        except (httpx.TransportError, httpx.InvalidURL):
            return False
        return answer.status_code < 300

    def upload_urls(self, digests: Collection[str]) -> list[str | None]:
        """Return where blobs can be sent, None where only the server takes them."""
        return list(self._ask("/artifacts/uploads", digests)["urls"])

    def admit(self, digests: Collection[str]) -> None:
        """Have the server verify what was sent to the bucket."""
        self._ask("/artifacts/admissions", digests)

    def keep_manifest(self, data: bytes) -> None:
        """Send a manifest."""
        self._exchange(
            "POST", "/artifacts/manifests", data, "application/vnd.lockgate.manifest+json"
        )

    # --- a source ----------------------------------------------------------------------------

    def fetch_from(self, version: str) -> Fetch:
        """Return a source of the chunks of the version at a path of the API."""

        def fetch(digests: Sequence[str]) -> Iterator[bytes]:
            direct = self._get_direct(version, digests) if self._direct is not False else None
            if direct is not None:
                yield from direct
                return
            yield from self._get_framed(version, digests)

        return fetch

    def _get_framed(self, version: str, digests: Sequence[str]) -> Iterator[bytes]:
        body = self._exchange(
            "POST", f"{version}/blobs", write_json({"digests": list(digests)}), "application/json"
        )
        # Views do wherever bytes are only read.
        yield from frames.read_frames(body)  # type: ignore[misc]

    def _get_direct(self, version: str, digests: Sequence[str]) -> list[bytes] | None:
        """Return chunks from the bucket, or None when that is not possible from here."""
        import httpx

        found: list[bytes] = []
        for url in self.download_urls(version, digests):
            if url is None:
                self._direct = False
                return None
            try:
                answer = self._outside().get(url, timeout=SILENCE_S_MAX)
            except (httpx.TransportError, httpx.InvalidURL):
                self._direct = False
                return None
            if answer.status_code >= 300 or len(answer.content) > BLOB_BYTES_MAX:
                return None  # the server says better what is wrong
            found.append(answer.content)
        return found

    def download_urls(self, version: str, digests: Collection[str]) -> list[str | None]:
        """Return where chunks of a version can be had, None where only from the server."""
        return list(self._ask(f"{version}/urls", digests)["urls"])

    # --- requests ----------------------------------------------------------------------------

    def get(self, path: str) -> bytes:
        """Return the bytes at a path of the API."""
        return bytes(
            self._transport.exchange(
                "GET", API + path, headers=self._headers, timeout_s=SILENCE_S_MAX
            )
        )

    def write(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], timeout_s: float
    ) -> Any:
        """Return the value of the answer to a POST that takes long."""
        answer = self._transport.exchange(
            "POST",
            API + path,
            body=write_json(body),
            headers={**headers, "Content-Type": "application/json"},
            timeout_s=timeout_s,
        )
        return _value(answer, self._transport.url)

    def _ask(self, path: str, digests: Collection[str]) -> Any:
        body = write_json({"digests": list(digests)})
        answer = self._exchange("POST", path, body, "application/json")
        return _value(answer, self._transport.url) if answer else None

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | Sequence[Data],
        media_type: str,
        words: Mapping[str, str] | None = None,
    ) -> bytes | bytearray:
        return self._transport.exchange(
            method,
            API + path,
            body=body,
            headers={**self._headers, "Content-Type": media_type, **(words or {})},
            timeout_s=SILENCE_S_MAX,
        )

    def _outside(self) -> httpx.Client:
        return self._transport.outside()


def _batches(blobs: Iterable[tuple[str, Data]]) -> Iterator[list[tuple[str, Data]]]:
    return together(
        blobs,
        lambda blob: len(blob[1]),
        bytes_max=frames.BATCH_BYTES_MAX // 2,
        items_max=frames.BATCH_BLOBS_MAX,
    )


def _value(answer: bytes | bytearray, url: str) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        raise ServerUnreachable(url=url, detail="its answer is not JSON") from None
