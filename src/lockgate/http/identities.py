"""Routes by which an issuer's word becomes a token or a browser's session. All are public."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lockgate.errors import InvalidInput, Unauthenticated
from lockgate.http.auth import give_session, require_same_origin, source_of
from lockgate.http.calls import answer
from lockgate.http.representations import represent
from lockgate.http.routing import router
from lockgate.registry.desk import store_of
from lockgate.services import exchanging
from lockgate.storage.store import Store
from lockgate.wire.access import Exchange, IssuedTokenAnswer, SignInWords, WaysInAnswer

routes = router("access")
T = TypeVar("T")
VISIT_COOKIE = "lockgate_visit"
VISIT_PATH = "/api/v1/session/oidc"
HOME = "/ui"


@routes.post("/session/exchange", status_code=201, response_model=IssuedTokenAnswer)
async def exchange_identity(request: Request, body: Exchange) -> Response:
    """Give a CI job a short-lived token for its identity token, by a rule of this server's."""
    require_same_origin(request.scope)
    address = source_of(request.scope)
    made = await _slowed(request, lambda store: exchanging.exchange(store, body.identity, address))
    return answer(represent(made), 201)


@routes.get("/session/ways", response_model=WaysInAnswer)
async def ways_in(request: Request) -> Response:
    """Say how one gets in here. Whoever asks: a sign-in page has to know before anybody is."""
    store = store_of(request.app.state.registry)
    loop = asyncio.get_running_loop()
    told = await loop.run_in_executor(request.app.state.pool, exchanging.ways_in, store)
    return answer(represent(told), 200)


@routes.get("/session/oidc", status_code=303, response_model=None)
async def sign_in(request: Request) -> Response:
    """Send a browser to the issuer that people sign in at."""
    visit = await _slowed(request, exchanging.begin_visit)
    response = RedirectResponse(visit.url, 303)
    response.set_cookie(
        VISIT_COOKIE,
        visit.secret,
        max_age=exchanging.VISIT_S_MAX,
        path=VISIT_PATH,
        httponly=True,
        # The way back is a link on a page of the issuer's.
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@routes.get("/session/oidc/callback", status_code=303, response_model=None)
async def signed_in(request: Request, words: Annotated[SignInWords, Query()]) -> Response:
    """Log in the browser of whoever comes back from the issuer, and show the web UI."""
    if words.code is None or words.state is None:
        raise InvalidInput(detail=f"The issuer says {words.error or 'nothing'}", field="error")
    code, state = words.code, words.state
    secret = request.cookies.get(VISIT_COOKIE, "")
    address = source_of(request.scope)
    login = await _slowed(
        request, lambda store: exchanging.end_visit(store, secret, state, code, address)
    )
    response = RedirectResponse(HOME, 303)
    response.delete_cookie(VISIT_COOKIE, path=VISIT_PATH, httponly=True, samesite="lax")
    give_session(response, request.scope, login.secret, login.lasts_s)
    return response


async def _slowed(request: Request, ask: Callable[[Store], T]) -> T:
    """Run what everybody may ask in a thread: a few times a second, and slower for who fails."""
    state = request.app.state
    source = source_of(request.scope) or ""
    state.throttles.exchanges.take(source)
    store = store_of(state.registry)
    try:
        return await asyncio.get_running_loop().run_in_executor(state.pool, ask, store)
    except (Unauthenticated, InvalidInput):
        await state.throttles.after_failure(source)
        raise
