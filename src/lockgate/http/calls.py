"""One call: who asks, the registry acting for them, and the answer to what it did.

Reads and writes run in a pool of threads of the server's own, so that a slow one keeps nobody
else waiting. Its threads stay: each holds a connection to the database.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from lockgate.errors import InvalidInput
from lockgate.http.auth import registry_for, require_everywhere
from lockgate.http.conditions import only_if, unchanged
from lockgate.http.representations import KeptVersions, Represent, Representation, represent
from lockgate.http.threads import Threads
from lockgate.registry import Registry
from lockgate.storage.idempotency import Once, Replayed

THREADS_MAX = 16
KEY_HEADER = "idempotency-key"
T = TypeVar("T")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Call:
    """A request on its way to the registry and back."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.registry = registry_for(request.scope)

    @property
    def kept(self) -> KeptVersions:
        """The JSON of versions that was made before."""
        kept: KeptVersions = self.request.app.state.kept
        return kept

    def require_everywhere(self, permission: str) -> None:
        """Raise `Forbidden` unless whoever asks may do something in the installation."""
        require_everywhere(self.request.scope, permission)

    def _header(self, name: bytes) -> str | None:
        """Return a header's value; Starlette's mapping costs a write more than what it says."""
        for each, value in self.request.scope["headers"]:
            if each == name:
                return str(value, "latin-1")
        return None

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread of the server's pool."""
        pool: Threads = self.request.app.state.pool
        return await pool.run(work)

    async def read(
        self, ask: Callable[[Registry], Any], represent_as: Represent = represent
    ) -> Response:
        """Answer with what ``ask`` returns: 200, or 304 when the caller has it."""
        representation = await self.run(lambda: represent_as(ask(self.registry)))
        return answer(representation, 200, self.request.headers.get("if-none-match"))

    async def write(
        self,
        change: Callable[[Registry], Any],
        represent_as: Represent = represent,
        status: int = 200,
        of: tuple[str, ...] = (),
    ) -> Response:
        """Answer with what ``change`` returns; the same again for a key that was used before.

        ``of`` is the project, the model and perhaps the version that ``If-Match`` is about.
        """
        condition = only_if(self._header(b"if-match"), *of) if of else None
        registry = self.registry
        key = self._header(KEY_HEADER.encode())
        if key is None:
            if condition is not None:
                registry = registry.acting_as(registry.actor, None, condition)
            representation = await self.run(lambda: represent_as(change(registry)))
            return answer(representation, status)
        once = Once(
            key=checked_key(key),
            fingerprint=await self._fingerprint(),
            encode=lambda result: _written(represent_as(result)),
        )
        registry = registry.acting_as(registry.actor, once, condition)
        try:
            representation = await self.run(lambda: represent_as(change(registry)))
        except Replayed as earlier:
            replayed = answer(_read(earlier.answer), status)
            replayed.headers["idempotency-replayed"] = "true"
            return replayed
        return answer(representation, status)

    async def _fingerprint(self) -> str:
        """Return a hash of everything that makes this request the one it is."""
        scope = self.request.scope
        parts = (
            scope["method"].encode(),
            scope["path"].encode(),
            scope["query_string"],
            self.registry.actor.encode(),
            self.request.headers.get("if-match", "").encode(),
            await self.request.body(),
        )
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.hexdigest()


def answer(
    representation: Representation, status: int, if_none_match: str | None = None
) -> Response:
    """Return the response that carries ``representation``."""
    headers = {"cache-control": "no-cache" if representation.etag else "no-store"}
    if representation.etag is not None:
        headers["etag"] = representation.etag
    if unchanged(if_none_match, representation.etag):
        return Response(status_code=304, headers=headers)
    if not representation.body:
        return Response(status_code=status, headers=headers)
    return Response(representation.body, status, headers, media_type="application/json")


def checked_key(key: str) -> str:
    """Return an idempotency key. Raises `InvalidInput`."""
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            detail="Idempotency-Key must be 1 to 255 visible ASCII characters",
            field="Idempotency-Key",
        )
    return key


def _written(representation: Representation) -> str:
    return json.dumps([representation.etag, representation.body.decode()])


def _read(text: str) -> Representation:
    etag, body = json.loads(text)
    return Representation(body.encode(), etag)


async def call_of(request: Request) -> Call:
    """Return the call that a request makes (async, so that no thread is asked for it)."""
    return Call(request)


CallOf = Annotated[Call, Depends(call_of)]
