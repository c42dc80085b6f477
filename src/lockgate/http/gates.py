"""Routes of gates: what a gate says, who asked to pass it, and what is known for and against."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.routing import VERSION, router
from lockgate.wire.answers import (
    AskedDocument,
    CheckAnswer,
    Closed,
    PreviewDocument,
    ReportDocument,
    RequestAnswer,
    RequestPage,
    WaiverAnswer,
)
from lockgate.wire.bodies import DecisionComment, NewCheck, NewRequest, NewWaiver, PolicyInHand
from lockgate.wire.queries import GateWords, InboxWords, RequestWords

routes = router("gates")


@routes.get(VERSION + "/gate", response_model=ReportDocument)
async def explain(
    call: CallOf, project: str, model: str, version: str, words: Annotated[GateWords, Query()]
) -> Response:
    """Return what a transition would meet: the verdict that it would get. Writes nothing."""
    return await call.read(
        lambda registry: registry.explain(f"{project}/{model}", version, words.to)
    )


@routes.get(VERSION + "/preview", response_model=PreviewDocument)
async def preview(
    call: CallOf, project: str, model: str, version: str, words: Annotated[GateWords, Query()]
) -> Response:
    """Return what a transition would meet and whom it would move. Writes nothing."""
    return await call.read(
        lambda registry: registry.preview(f"{project}/{model}", version, words.to)
    )


@routes.post(VERSION + "/gate", response_model=ReportDocument)
async def check_promotion_policy(
    call: CallOf, project: str, model: str, version: str, body: PolicyInHand
) -> Response:
    """Return what a policy in hand says of a version. Writes nothing."""
    return await call.read(
        lambda registry: registry.check_promotion_policy(
            f"{project}/{model}", version, body.policy, body.to
        )
    )


@routes.post(VERSION + "/requests", status_code=201, response_model=AskedDocument)
async def request_promotion(
    call: CallOf, project: str, model: str, version: str, body: NewRequest
) -> Response:
    """Ask that a version be let into a stage."""
    return await call.write(
        lambda registry: registry.request_promotion(f"{project}/{model}", version, **body.given()),
        status=201,
    )


@routes.get("/requests", response_model=RequestPage)
async def list_requests(call: CallOf, words: Annotated[RequestWords, Query()]) -> Response:
    """List requests, newest first."""
    return await call.read(lambda registry: registry.list_requests(**dict(words)))


@routes.get("/inbox", response_model=RequestPage)
async def inbox(call: CallOf, words: Annotated[InboxWords, Query()]) -> Response:
    """List the requests that wait for a decision, of anybody or of the caller, newest first."""
    return await call.read(lambda registry: registry.inbox(**dict(words)))


@routes.post("/requests/settle", response_model=Closed)
async def settle_requests(call: CallOf) -> Response:
    """Carry out the requests that only time kept waiting; say how many were closed."""
    return await call.write(lambda registry: {"closed": registry.settle_requests()})


@routes.get("/requests/{request}", response_model=AskedDocument)
async def get_request(call: CallOf, request: str) -> Response:
    """Return a request, and what the gate says of it now."""
    return await call.read(lambda registry: registry.get_request(request))


@routes.post("/requests/{request}/approve", response_model=AskedDocument)
async def approve(call: CallOf, request: str, body: DecisionComment) -> Response:
    """Approve what a request asks for, as it is now."""
    return await call.write(lambda registry: registry.approve(request, comment=body.comment))


@routes.post("/requests/{request}/reject", response_model=AskedDocument)
async def reject(call: CallOf, request: str, body: DecisionComment) -> Response:
    """Reject what a request asks for."""
    return await call.write(lambda registry: registry.reject(request, comment=body.comment))


@routes.post("/requests/{request}/withdraw", response_model=RequestAnswer)
async def withdraw(call: CallOf, request: str, body: DecisionComment) -> Response:
    """Take a request back."""
    return await call.write(lambda registry: registry.withdraw(request, comment=body.comment))


@routes.post(VERSION + "/checks", status_code=201, response_model=CheckAnswer)
async def report_check(
    call: CallOf, project: str, model: str, version: str, body: NewCheck
) -> Response:
    """Report a check as passed, failed or running; the last report counts."""
    return await call.write(
        lambda registry: registry.report_check(f"{project}/{model}", version, **body.given()),
        status=201,
    )


@routes.get(VERSION + "/checks", response_model=list[CheckAnswer])  # type: ignore[valid-type]
async def list_checks(call: CallOf, project: str, model: str, version: str) -> Response:
    """List every result that was reported on a version, oldest first."""
    return await call.read(lambda registry: registry.list_checks(f"{project}/{model}", version))


@routes.post(VERSION + "/waivers", status_code=201, response_model=WaiverAnswer)
async def waive_scan(
    call: CallOf, project: str, model: str, version: str, body: NewWaiver
) -> Response:
    """Answer, on record, for a file that is not proved to be harmless data."""
    return await call.write(
        lambda registry: registry.waive_scan(f"{project}/{model}", version, **body.given()),
        status=201,
    )
