"""Who fetches a model for everyone else. Backends are imported when they are asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lockgate.errors import CoordinatorUnavailable, InvalidInput

if TYPE_CHECKING:
    from lockgate.coordination.backend import RegistryBackend

__all__ = ["create_registry_backend", "redacted"]

SCHEMES = (
    "memory://, sqlite:///FILE, postgresql://…, redis://…, rediss://…, unix://…, "
    "redis+cluster://…, kubernetes://NAMESPACE"
)


def create_registry_backend(url: str) -> RegistryBackend:
    """Return a connected backend for a URL.

    Raises InvalidInput for a URL of no known kind, and CoordinatorUnavailable when the backend
    does not answer or its client library is not installed; neither ever shows a password.
    """
    try:
        backend = _opened(url)
        backend.connect()
    except CoordinatorUnavailable as error:
        detail = error.fields["detail"].replace(url, redacted(url))
        raise CoordinatorUnavailable(detail=f"{redacted(url)}: {detail}") from None
    except ImportError as error:
        raise CoordinatorUnavailable(
            detail=f"{redacted(url)}: its client is not installed ({error.name}): "
            "pip install 'lockgate[redis]' or 'lockgate[kubernetes]'"
        ) from error
    return backend


def redacted(url: str) -> str:
    """Return a URL without its password and without the values of its options."""
    shown = re.sub(r"^([a-z0-9+]+://)[^/?#]*@", r"\1***@", url, flags=re.IGNORECASE)
    return re.sub(r"=[^&#]*", "=***", shown)


def _opened(url: str) -> RegistryBackend:
    scheme, separator, _ = url.partition("://")
    scheme = scheme.lower() if separator else ""
    if scheme == "memory":
        from lockgate.coordination.memory import MemoryBackend

        return MemoryBackend()
    if scheme in ("sqlite", "postgresql", "postgresql+psycopg"):
        from lockgate.coordination.sql import SqlBackend

        return SqlBackend.open(url)
    if scheme in ("redis", "rediss", "unix", "redis+cluster"):
        from lockgate.coordination.redis import RedisBackend

        return RedisBackend.open(url)
    if scheme == "kubernetes":
        from lockgate.coordination.kubernetes import KubernetesBackend

        return KubernetesBackend.open(url)
    raise InvalidInput(
        field="coordination", detail=f"{redacted(url)!r} is no coordination URL; known: {SCHEMES}"
    )
