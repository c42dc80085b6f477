"""Paths that a dialect answers itself, by what they begin with.

Going through the list of all routes costs more than a read does, so who owns a whole prefix is
asked before them.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Prefixes:
    """Middleware that hands each prefix to its application, and everything else on."""

    def __init__(self, app: ASGIApp, owners: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._owners = tuple(owners.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for prefix, owner in self._owners:
                if path.startswith(prefix):
                    await owner(scope, receive, send)
                    return
        await self._app(scope, receive, send)
