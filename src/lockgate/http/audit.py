"""Routes of the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Annotated

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from lockgate.http.calls import Call, CallOf
from lockgate.http.routing import router
from lockgate.wire.answers import CheckpointAnswer, EventPage, VerdictAnswer, VerifiedAnswer
from lockgate.wire.bodies import Verification
from lockgate.wire.queries import AuditWords, ProjectWords

routes = router("audit")
LINES_AT_ONCE = 500
LINES = "application/jsonl"
_EXPORT = {200: {"content": {LINES: {"schema": {"type": "string"}}}}}


@routes.get("/audit", response_model=EventPage)
async def audit(call: CallOf, words: Annotated[AuditWords, Query()]) -> Response:
    """List the events of a project's log, oldest first unless told."""
    return await call.read(lambda registry: registry.audit(**dict(words)))


@routes.get("/audit/verify", response_model=VerdictAnswer)
async def verify_audit(call: CallOf, words: Annotated[ProjectWords, Query()]) -> Response:
    """Recompute a project's log and compare it with the tables; name the first bad event."""
    return await call.read(lambda registry: registry.verify_audit(project=words.project))


@routes.get("/audit/verified", response_model=VerifiedAnswer)
async def verified_audit(call: CallOf, words: Annotated[ProjectWords, Query()]) -> Response:
    """Say how far a project's log is verified, looking only at what is new since then."""
    return await call.read(lambda registry: registry.verified_audit(project=words.project))


@routes.post("/audit/verify", response_model=VerdictAnswer)
async def verify_against_checkpoints(call: CallOf, body: Verification) -> Response:
    """Verify a project's log against checkpoints that were kept elsewhere, too."""
    return await call.read(lambda registry: registry.verify_audit(**body.given()))


@routes.post("/audit/checkpoints", status_code=201, response_model=CheckpointAnswer)
async def checkpoint(call: CallOf, words: Annotated[ProjectWords, Query()]) -> Response:
    """Sign what a project's log is now; keep the note elsewhere."""
    return await call.write(lambda registry: registry.checkpoint(project=words.project), status=201)


@routes.get("/audit/checkpoints", response_model=list[CheckpointAnswer])  # type: ignore[valid-type]
async def list_checkpoints(call: CallOf, words: Annotated[ProjectWords, Query()]) -> Response:
    """List the newest checkpoints of a project's log, newest first."""
    return await call.read(lambda registry: registry.list_checkpoints(project=words.project))


@routes.post("/audit/export", response_model=None, responses=_EXPORT)  # type: ignore[arg-type]
async def export_audit(call: CallOf, words: Annotated[ProjectWords, Query()]) -> Response:
    """Return a project's whole log, a line an event, in the form that auditors verify offline."""
    lines = call.registry.export_audit(project=words.project)
    # What is wrong with the question shows before the first line is on its way.
    first = await call.run(lambda: _some(lines))
    return StreamingResponse(_stream(call, first, lines), media_type=LINES)


async def _stream(call: Call, first: str, lines: Iterator[str]) -> AsyncIterator[str]:
    chunk = first
    while chunk:
        yield chunk
        chunk = await call.run(lambda: _some(lines))


def _some(lines: Iterator[str]) -> str:
    return "".join(islice(lines, LINES_AT_ONCE))
