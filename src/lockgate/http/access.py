"""Routes of access control: tokens, accounts, teams, roles, protections, a browser's session."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from lockgate.domain.tokens import csrf_of
from lockgate.errors import Conflict, Unauthenticated
from lockgate.http.auth import (
    give_session,
    registry_for,
    require_same_origin,
    session_cookie,
    source_of,
    take_session,
)
from lockgate.http.calls import CallOf, answer
from lockgate.http.representations import represent, represent_nothing
from lockgate.http.routing import MODEL, router
from lockgate.registry.desk import granted, store_of
from lockgate.services import logins
from lockgate.wire.access import (
    AccountAnswer,
    AccountBody,
    IssuedTokenAnswer,
    Login,
    NewTokenBody,
    ProtectionAnswer,
    ProtectionBody,
    RoleAnswer,
    RoleBody,
    SessionAnswer,
    TeamAnswer,
    TeamBody,
    TokenAnswer,
    TokenWords,
    WhoAmIAnswer,
)

routes = router("access")
PROJECT = "/projects/{project}"
GUARDED = "/protections/{kind}/{name}"


@routes.get("/whoami", response_model=WhoAmIAnswer)
async def whoami(call: CallOf) -> Response:
    """Return who acts, and what they may."""
    return await call.read(lambda registry: registry.whoami())


# --- tokens ------------------------------------------------------------------------------------


@routes.post("/tokens", status_code=201, response_model=IssuedTokenAnswer)
async def create_token(call: CallOf, body: NewTokenBody) -> Response:
    """Make a token; its secret is in this answer and never again. No Idempotency-Key is kept."""
    made = await call.run(lambda: represent(call.registry.create_token(**body.given())))
    return answer(made, 201)


@routes.get("/tokens", response_model=list[TokenAnswer])  # type: ignore[valid-type]
async def list_tokens(call: CallOf, words: Annotated[TokenWords, Query()]) -> Response:
    """List one's own tokens, those of an owner, or everybody's."""
    return await call.read(
        lambda registry: registry.list_tokens(owner=words.owner, everybody=words.everybody)
    )


@routes.delete("/tokens/{token}", response_model=TokenAnswer)
async def revoke_token(call: CallOf, token: str) -> Response:
    """Revoke a token by its id: it stops within a second."""
    return await call.write(lambda registry: registry.revoke_token(token))


# --- accounts, teams, roles --------------------------------------------------------------------


@routes.get("/accounts", response_model=list[AccountAnswer])  # type: ignore[valid-type]
async def list_accounts(call: CallOf) -> Response:
    """List people and service accounts by name."""
    return await call.read(lambda registry: registry.list_accounts())


@routes.put("/accounts/{name}", response_model=AccountAnswer)
async def set_account(call: CallOf, name: str, body: AccountBody) -> Response:
    """Add a person or a service account, or change its roles in the installation."""
    return await call.write(lambda registry: registry.set_account(name, **body.given()))


@routes.delete("/accounts/{name}", response_model=AccountAnswer)
async def disable_account(call: CallOf, name: str) -> Response:
    """Disable an account, and revoke its tokens."""
    return await call.write(lambda registry: registry.disable_account(name))


@routes.get("/teams", response_model=list[TeamAnswer])  # type: ignore[valid-type]
async def list_teams(call: CallOf) -> Response:
    """List teams by name."""
    return await call.read(lambda registry: registry.list_teams())


@routes.put("/teams/{name}", response_model=TeamAnswer)
async def set_team(call: CallOf, name: str, body: TeamBody) -> Response:
    """Make a team, or give one these members and no others."""
    return await call.write(lambda registry: registry.set_team(name, **body.given()))


@routes.delete("/teams/{name}", status_code=204, response_model=None)
async def remove_team(call: CallOf, name: str) -> Response:
    """Take a team away."""
    return await call.write(
        lambda registry: registry.remove_team(name), represent_nothing, status=204
    )


@routes.get("/roles", response_model=list[RoleAnswer])  # type: ignore[valid-type]
async def list_roles(call: CallOf) -> Response:
    """List roles and what each gives: the five that are always there first."""
    return await call.read(lambda registry: registry.list_roles())


@routes.put("/roles/{name}", response_model=RoleAnswer)
async def set_role(call: CallOf, name: str, body: RoleBody) -> Response:
    """Make a role of one's own, or change one."""
    return await call.write(lambda registry: registry.set_role(name, **body.given()))


@routes.delete("/roles/{name}", status_code=204, response_model=None)
async def remove_role(call: CallOf, name: str) -> Response:
    """Take a role of one's own away."""
    return await call.write(
        lambda registry: registry.remove_role(name), represent_nothing, status=204
    )


# --- protections -------------------------------------------------------------------------------


@routes.get(PROJECT + "/protections", response_model=list[ProtectionAnswer])  # type: ignore[valid-type]
async def list_project_protections(call: CallOf, project: str) -> Response:
    """List which stages and aliases of a project are kept for some."""
    return await call.read(lambda registry: registry.list_protections(project=project))


@routes.put(PROJECT + GUARDED, response_model=ProtectionAnswer)
async def set_project_protection(
    call: CallOf, project: str, kind: str, name: str, body: ProtectionBody
) -> Response:
    """Keep a stage or an alias of every model in a project for some."""
    return await call.write(
        lambda registry: registry.set_protection(kind, name, body.needs, project=project)
    )


@routes.delete(PROJECT + GUARDED, status_code=204, response_model=None)
async def remove_project_protection(call: CallOf, project: str, kind: str, name: str) -> Response:
    """Take a project's protection off a stage or an alias."""
    return await call.write(
        lambda registry: registry.remove_protection(kind, name, project=project),
        represent_nothing,
        status=204,
    )


@routes.get(MODEL + "/protections", response_model=list[ProtectionAnswer])  # type: ignore[valid-type]
async def list_protections(call: CallOf, project: str, model: str) -> Response:
    """List which stages and aliases of a model are kept for some, by its project too."""
    return await call.read(lambda registry: registry.list_protections(model=f"{project}/{model}"))


@routes.put(MODEL + GUARDED, response_model=ProtectionAnswer)
async def set_protection(
    call: CallOf, project: str, model: str, kind: str, name: str, body: ProtectionBody
) -> Response:
    """Keep a stage or an alias of a model for some."""
    return await call.write(
        lambda registry: registry.set_protection(kind, name, body.needs, model=f"{project}/{model}")
    )


@routes.delete(MODEL + GUARDED, status_code=204, response_model=None)
async def remove_protection(
    call: CallOf, project: str, model: str, kind: str, name: str
) -> Response:
    """Take a model's protection off a stage or an alias."""
    return await call.write(
        lambda registry: registry.remove_protection(kind, name, model=f"{project}/{model}"),
        represent_nothing,
        status=204,
    )


# --- a browser's session -----------------------------------------------------------------------


@routes.post("/session", response_model=SessionAnswer)
async def log_in(request: Request, body: Login) -> Response:
    """Log a browser in with a token: sets a cookie that no script can read."""
    require_same_origin(request.scope)
    state = request.app.state
    store = store_of(state.registry)
    loop = asyncio.get_running_loop()

    def make() -> tuple[logins.Login, dict[str, Any]]:
        store.grants.refresh()
        if not store.grants.state.enabled:
            raise Conflict(detail="Access control is off: nobody needs to log in")
        made = logins.log_in(store, body.token)
        registry = granted(state.registry, store.grants.load(body.token))
        return made, {"who": registry.whoami(), "csrf": made.csrf}

    try:
        made, told = await loop.run_in_executor(state.pool, make)
    except Unauthenticated:
        await state.throttles.after_failure(source_of(request.scope) or "")
        raise
    response = answer(represent(told), 200)
    give_session(response, request.scope, made.secret, made.lasts_s)
    return response


@routes.get("/session", response_model=SessionAnswer)
async def get_session(call: CallOf) -> Response:
    """Return who is logged in, and what a write by cookie must carry."""
    cookie = session_cookie(call.request.scope)
    csrf = None if cookie is None else csrf_of(cookie)
    return await call.read(lambda registry: {"who": registry.whoami(), "csrf": csrf})


@routes.delete("/session", status_code=204, response_model=None)
async def log_out(request: Request) -> Response:
    """End the session of a browser, and take its cookie away."""
    cookie = session_cookie(request.scope)
    if cookie is not None:
        registry_for(request.scope)
        store = store_of(request.app.state.registry)
        pool = request.app.state.pool
        await asyncio.get_running_loop().run_in_executor(pool, logins.log_out, store, cookie)
    response = Response(status_code=204)
    take_session(response, request.scope)
    return response
