"""The Day22 model registry, at the root: ``/models``, ``/audit`` and ``/healthz``."""

from lockgate.dialects.day22.routes import first, routes

__all__ = ["first", "routes"]
