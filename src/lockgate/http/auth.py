"""Who asks: decided here and nowhere else in the HTTP API.

Without access control the caller says who they are, in ``X-Lockgate-Actor`` (percent-encoded
UTF-8); a caller who says nothing acts as the server's own actor.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import Scope

from lockgate.domain.access import Actor
from lockgate.errors import InvalidInput
from lockgate.registry import Registry

ACTOR_HEADER = b"x-lockgate-actor"


def registry_for(scope: Scope) -> Registry:
    """Return the registry acting as whoever sent the request. Raises `InvalidInput`."""
    registry: Registry = scope["app"].state.registry
    for name, value in scope["headers"]:
        if name == ACTOR_HEADER:
            return registry.acting_as(_actor(value))
    return registry


def takes_word_for_actor(_scope: Scope) -> bool:
    """Say whether a caller may say who acts: where nothing checks who the caller is."""
    return True


def _actor(value: bytes) -> Actor:
    try:
        return Actor.named(unquote(value.decode("ascii"), errors="strict"))
    except UnicodeDecodeError:
        raise InvalidInput(
            detail="X-Lockgate-Actor must be percent-encoded UTF-8", field="actor"
        ) from None
