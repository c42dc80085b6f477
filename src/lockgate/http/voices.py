"""What a refusal sounds like below a dialect's paths, whoever refuses.

The gate, access control and the server itself know one shape of an error, problem+json. A client
of another registry reads another one, and would show nothing of ours but a status: so below its
paths a problem is told once more, in that dialect's voice. Headers (the challenge of a 401, when to
come again, the request id) stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lockgate.wire.problems import MEDIA_TYPE

Voice = Callable[[Mapping[str, Any], str], Response]
"""Makes an answer of a problem document and the method that was asked with."""


class Voices:
    """Middleware that tells problems in the voice of the path they are about.

    ``voices`` are paths without a slash at the end: each is for that path and all below it.
    """

    def __init__(self, app: ASGIApp, voices: Mapping[str, Voice]) -> None:
        self._app = app
        self._voices = tuple((path, f"{path}/", voice) for path, voice in voices.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        voice = self._voice_at(scope["path"]) if scope["type"] == "http" else None
        if voice is None:
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = b""

        async def retold(message: Message) -> None:
            nonlocal held, body
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
                return
            if held is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                answer = voice(msgspec.json.decode(body), scope["method"])
                _keep(held, answer)
                await answer(scope, receive, send)

        await self._app(scope, receive, retold)

    def _voice_at(self, path: str) -> Voice | None:
        for exactly, below, voice in self._voices:
            if path == exactly or path.startswith(below):
                return voice
        return None


def _is_problem(start: Message) -> bool:
    kind = MEDIA_TYPE.encode()
    return any(name == b"content-type" and value == kind for name, value in start["headers"])


def _keep(start: Message, answer: Response) -> None:
    """Give an answer the headers of the one whose place it takes, save those of its body."""
    headers = MutableHeaders(raw=answer.raw_headers)
    for name, value in start["headers"]:
        if name not in (b"content-type", b"content-length"):
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
