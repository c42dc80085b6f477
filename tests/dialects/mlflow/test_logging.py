"""An unmodified MLflow client: files and registry here, its tracking in a file of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lockgate.bootstrap import acting, open_store
from lockgate.dialects import dialects_named
from lockgate.http.app import build_app
from lockgate.registry import Registry
from lockgate.settings import Settings
from registries import running

CLIENT = Path(__file__).with_name("logging_client.py")


def test_a_logged_model_is_pulled_as_it_was_logged(tmp_path: Path) -> None:
    """``log_model(…, registered_model_name=…)`` makes a sealed version: loaded by alias and by
    number there, pulled and verified here."""
    settings = Settings(database=f"sqlite:///{tmp_path}/r.db", artifacts=f"{tmp_path}/files")
    registry = Registry(open_store(settings.database, settings), acting(settings, "ana"))
    app = build_app(registry, Settings(database="sqlite:"), dialects=dialects_named("mlflow"))
    with running(app) as url:
        done = subprocess.run(
            [sys.executable, str(CLIENT), url, f"sqlite:///{tmp_path}/tracking.db"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*", "MLFLOW_DISABLE_TELEMETRY": "true"},
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["answers"] == [[2, 4], [2, 4]]
        assert told["source"] == f"models:/{told['model_id']}"
        assert told["listed"] == ["notes/README.md"]
        model = registry.pull("doubled@champion", tmp_path / "model")
        assert model.digest is not None
        assert {"MLmodel", "python_model.pkl", "requirements.txt"} <= {
            file.name for file in (tmp_path / "model").iterdir()
        }
        registry.pull("doubled:2", tmp_path / "plain")
        assert (tmp_path / "plain/notes/README.md").read_text() == "# A card\n"
        verified = registry.verify_artifacts()
        assert (verified.versions, verified.faults) == (2, ())
