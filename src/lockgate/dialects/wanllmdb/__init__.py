"""wanLLMDB's model registry, under ``/api/v1/registry``."""

from lockgate.dialects.wanllmdb.routes import VOICES, routes

__all__ = ["VOICES", "routes"]
