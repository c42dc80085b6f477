"""The backend through which replicas agree who downloads: settings → `RegistryBackend`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.credentials import token_for
from lockgate.settings import Settings

if TYPE_CHECKING:
    from lockgate.coordination.backend import RegistryBackend

__all__ = ["REGISTRY", "coordination_of", "open_coordination"]

REGISTRY = "registry"
"""The setting's word for: the registry's own database."""


def open_coordination(url: str, settings: Settings | None = None) -> RegistryBackend:
    """Return a connected backend: for a database, Redis, Kubernetes or a Lockgate server.

    A server is asked with the token of ``settings``, or that of a login.
    Raises `CoordinatorUnavailable` when it does not answer, `InvalidInput` for another URL; no
    password is ever shown.
    """
    if url.startswith(("http://", "https://")):
        from lockgate.sdk.coordination import ServerBackend

        token = token_for(url, settings or Settings.from_environ())
        server = ServerBackend(url, token=token)
        try:
            server.connect()
        except BaseException:
            server.close()
            raise
        return server
    from lockgate.coordination import create_registry_backend

    # The registry takes both spellings; the library below it takes one.
    return create_registry_backend(re.sub(r"^postgres://", "postgresql://", url))


def coordination_of(settings: Settings) -> RegistryBackend | None:
    """Return the backend that a server works on; None when the setting names none."""
    chosen = settings.coordination
    if not chosen:
        return None
    return open_coordination(settings.database if chosen == REGISTRY else chosen, settings)
