"""Fills an MLflow server with what registries have in them, gaps and broken ends included.

python registry_maker.py URI FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient


def main() -> None:
    """Make models, versions, stages, aliases, tags, a prompt, and a source that leads nowhere."""
    uri, folder = sys.argv[1], Path(sys.argv[2])
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    (folder / "model" / "data").mkdir(parents=True)
    (folder / "model" / "MLmodel").write_text("flavors: {}\n")
    client.create_registered_model("churn", tags={"team": "growth"}, description="Who leaves")
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.91)
        mlflow.log_param("depth", 7)
        for number in range(1, 5):
            (folder / "model" / "data" / "weights.bin").write_bytes(bytes([number]) * 400_000)
            mlflow.log_artifacts(str(folder / "model"), f"model-{number}")
            client.create_model_version(
                "churn", mlflow.get_artifact_uri(f"model-{number}"), run.info.run_id,
                tags={"number": str(number)}, description=f"the {number}. try",
            )  # fmt: skip
    client.delete_model_version("churn", "2")
    client.transition_model_version_stage("churn", "3", "Production")
    client.set_registered_model_alias("churn", "champion", "3")
    client.create_registered_model("broken")
    client.create_model_version("broken", "s3://no-such-bucket-of-ours/x", "0" * 32)
    client.create_registered_model("local")
    mlflow.register_prompt("greeting", "Say hello to {{name}}")


main()
