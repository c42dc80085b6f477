"""What an MLflow user does, in a process of its own: log a model, register it, load it by alias.

python logging_client.py REGISTRY TRACKING
"""

from __future__ import annotations

import json
import sys

import mlflow
from mlflow import MlflowClient


class Doubled(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
    """A model that doubles."""

    def predict(self, context: object, model_input: list[int]) -> list[int]:  # noqa: ARG002
        return [2 * each for each in model_input]


def main() -> None:
    """Log, register, name, load; print what came of it."""
    registry, tracking = sys.argv[1:]
    mlflow.set_tracking_uri(tracking)
    mlflow.set_registry_uri(registry)
    root = f"{registry}/api/2.0/mlflow-artifacts/artifacts/experiment"
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("e", artifact_location=root))
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(
            name="model", python_model=Doubled(), registered_model_name="doubled",
            pip_requirements=[],
        )  # fmt: skip
        mlflow.log_text("# A card\n", "plain/notes/README.md")
        plain = mlflow.get_artifact_uri("plain")
    client = MlflowClient()
    client.set_registered_model_alias("doubled", "champion", 1)
    answers = [
        mlflow.pyfunc.load_model(f"models:/doubled{by}").predict([1, 2])
        for by in ("@champion", "/1")
    ]
    second = client.create_model_version("doubled", plain)
    listed = [
        each.path for each in mlflow.artifacts.list_artifacts("models:/doubled/2/notes") or []
    ]
    out = {
        "model_id": info.model_id, "answers": answers, "second": second.version,
        "source": client.get_model_version("doubled", 1).source, "listed": listed,
    }  # fmt: skip
    print(json.dumps(out))


main()
