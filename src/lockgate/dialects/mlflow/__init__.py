"""MLflow: ``MLFLOW_REGISTRY_URI=http://host:8000`` and an unmodified ``mlflow`` 3.x.

requests   what a call says     words       what MLflow lets names be
routing    path → call          namespace   which project, which model, which version
models, versions, webhooks      the calls
filters    its search grammar, written in ours
artifacts  files, one by one      artifact_uris   which places are ours
shapes     our models and versions in its JSON
problems   our errors in its codes
"""

from __future__ import annotations

from lockgate.dialects.mlflow import artifacts, problems
from lockgate.dialects.mlflow.routing import PREFIXES

__all__ = ["PREFIXES", "UPLOADS", "VOICES", "routes"]

routes = artifacts.routes
UPLOADS = artifacts.UPLOADS
VOICES = dict.fromkeys(
    ("/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"),
    problems.voice,
)
