"""Routes of policies and members: what guards which stage, and who has which role."""

from __future__ import annotations

from starlette.responses import Response

from lockgate.http.calls import CallOf
from lockgate.http.representations import represent_nothing
from lockgate.http.routing import MODEL, router
from lockgate.wire.answers import AttachedPolicyDocument, MemberAnswer
from lockgate.wire.bodies import MemberRoles, PolicyDocument

routes = router("policies")
PROJECT = "/projects/{project}"


@routes.get(PROJECT + "/policies", response_model=list[AttachedPolicyDocument])
async def list_project_policies(call: CallOf, project: str) -> Response:
    """List what guards which stage in a project."""
    return await call.read(lambda registry: registry.list_policies(project=project))


@routes.put(PROJECT + "/policies/{stage}", response_model=AttachedPolicyDocument)
async def attach_project_policy(
    call: CallOf, project: str, stage: str, body: PolicyDocument
) -> Response:
    """Let a policy guard a stage of every model in a project."""
    return await call.write(
        lambda registry: registry.attach_policy(stage, body.policy, project=project)
    )


@routes.delete(PROJECT + "/policies/{stage}", status_code=204, response_model=None)
async def detach_project_policy(call: CallOf, project: str, stage: str) -> Response:
    """Take a project's policy off a stage."""
    return await call.write(
        lambda registry: registry.detach_policy(stage, project=project),
        represent_nothing,
        status=204,
    )


@routes.get(MODEL + "/policies", response_model=list[AttachedPolicyDocument])
async def list_policies(call: CallOf, project: str, model: str) -> Response:
    """List what guards which stage of a model, its lifecycle's own policies too."""
    return await call.read(lambda registry: registry.list_policies(model=f"{project}/{model}"))


@routes.put(MODEL + "/policies/{stage}", response_model=AttachedPolicyDocument)
async def attach_policy(
    call: CallOf, project: str, model: str, stage: str, body: PolicyDocument
) -> Response:
    """Let a policy guard a stage of a model."""
    return await call.write(
        lambda registry: registry.attach_policy(stage, body.policy, model=f"{project}/{model}")
    )


@routes.delete(MODEL + "/policies/{stage}", status_code=204, response_model=None)
async def detach_policy(call: CallOf, project: str, model: str, stage: str) -> Response:
    """Take a model's policy off a stage."""
    return await call.write(
        lambda registry: registry.detach_policy(stage, model=f"{project}/{model}"),
        represent_nothing,
        status=204,
    )


@routes.get(PROJECT + "/members", response_model=list[MemberAnswer])  # type: ignore[valid-type]
async def list_members(call: CallOf, project: str) -> Response:
    """List a project's members by name.

    With none, everybody may everything, unless access control is on.
    """
    return await call.read(lambda registry: registry.list_members(project=project))


@routes.put(PROJECT + "/members/{person}", response_model=MemberAnswer)
async def set_member(call: CallOf, project: str, person: str, body: MemberRoles) -> Response:
    """Give a person these roles in a project and no others."""
    return await call.write(
        lambda registry: registry.set_member(person, body.roles, project=project)
    )


@routes.delete(PROJECT + "/members/{person}", status_code=204, response_model=None)
async def remove_member(call: CallOf, project: str, person: str) -> Response:
    """Take a person out of a project."""
    return await call.write(
        lambda registry: registry.remove_member(person, project=project),
        represent_nothing,
        status=204,
    )
