"""MLflow's calls on webhooks."""

from __future__ import annotations

from typing import Any, NoReturn

from lockgate.dialects.mlflow.namespace import Namespace
from lockgate.dialects.mlflow.problems import NOT_IMPLEMENTED, MlflowProblem

PATH = "webhooks"


def refuse(_namespace: Namespace, _given: Any) -> NoReturn:
    """Say that there are none."""
    raise MlflowProblem(NOT_IMPLEMENTED, "This registry does not take webhooks in MLflow's words.")
