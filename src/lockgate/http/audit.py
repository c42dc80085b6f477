"""Routes of the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import router
from lockgate.wire.answers import EventPage, VerdictAnswer
from lockgate.wire.bodies import AuditWords, ProjectWords

routes = router("audit")


@routes.get("/audit", response_model=EventPage)
async def audit(call: CallOf, words: Annotated[AuditWords, Query()]) -> Response:
    """List the events of a project's log, oldest first unless told."""
    return await call.read(lambda registry: registry.audit(**dict(words)))


@routes.get("/audit/verify", response_model=VerdictAnswer)
async def verify_audit(call: CallOf, words: Annotated[ProjectWords, Query()]) -> Response:
    """Recompute a project's log and compare it with the tables; name the first bad event."""
    return await call.read(lambda registry: registry.verify_audit(project=words.project))
