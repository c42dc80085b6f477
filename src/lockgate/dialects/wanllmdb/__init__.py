"""wanLLMDB's model registry, under ``/api/v1/registry``."""

from lockgate.dialects.wanllmdb.routes import routes

__all__ = ["routes"]
