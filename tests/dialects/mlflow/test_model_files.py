"""MLflow logs a model elsewhere and registers it here; whatever names it loads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MODEL = """
import mlflow

class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * number for number in model_input]

mlflow.models.set_model(Twice())
"""
SCRIPT = """
import mlflow

with mlflow.start_run() as run:
    mlflow.pyfunc.log_model(
        name="model", python_model="model.py", registered_model_name="twice", pip_requirements=[]
    )
second = mlflow.register_model(f"runs:/{run.info.run_id}/model", "twice", tags={"a": "b"})
client = mlflow.MlflowClient()
client.set_registered_model_alias("twice", "champion", "1")
client.transition_model_version_stage("twice", second.version, "Production")
client.copy_model_version("models:/twice/2", "copied")
for uri in ("twice@champion", "twice/2", "twice/Production", "twice/latest", "copied/1"):
    print(uri, mlflow.pyfunc.load_model(f"models:/{uri}").predict([21]))
"""


def test_a_model_that_was_logged_is_loaded_by_every_name(
    server: Any, registry: Any, tmp_path: Path
) -> None:
    """log_model, register_model and load_model by alias, number, stage, latest and copy."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "script.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            "MLFLOW_REGISTRY_URI": server.url,
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/tracking.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = ("twice@champion", "twice/2", "twice/Production", "twice/latest", "copied/1")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("twice", "copied"))]
    assert lines == [f"{name} [42]" for name in names]
    assert [v.seq for v in registry.list_versions("twice")] == [2, 1]
    assert registry.get_version("twice", 1).artifact_uri.startswith("models:/m-")
    assert registry.get_version("twice", 2).tags == {"a": "b"}
