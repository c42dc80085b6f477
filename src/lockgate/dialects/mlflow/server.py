"""What MLflow's clients ask about the server itself."""

from __future__ import annotations

from typing import Any

from lockgate.dialects.mlflow.namespace import Namespace


def info(_namespace: Namespace, _given: Any) -> dict[str, Any]:
    """Say what the server can do: a client names a workspace only where there are some."""
    return {
        "store_type": "Lockgate",
        "workspaces_enabled": True,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
    }
