"""The Day22 model registry, at the root: ``/models``, ``/audit`` and ``/healthz``."""

from lockgate.dialects.day22.routes import VOICES, first, routes

__all__ = ["VOICES", "first", "routes"]
