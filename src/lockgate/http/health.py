"""Signs of life: of the process, and of its database."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from lockgate.http.calls import answer
from lockgate.http.representations import represent
from lockgate.http.routing import StrictRoute
from lockgate.wire.answers import Health

routes = APIRouter(tags=["health"], route_class=StrictRoute)


@routes.get("/healthz", response_model=Health)
async def healthz() -> Response:
    """Say that the process answers."""
    return answer(represent({"status": "ok"}), 200)


@routes.get("/readyz", response_model=Health)
async def readyz(request: Request) -> Response:
    """Say that the database answers too; 503 when it does not."""
    state = request.app.state
    # Whoever asks: an orchestrator has no token, and learns nothing else.
    await asyncio.get_running_loop().run_in_executor(state.pool, state.registry.ping)
    return answer(represent({"status": "ready"}), 200)
