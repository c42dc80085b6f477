"""Where an MLflow registry can be read: a folder, a database; and where there is none."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockgate.dialects.mlflow.foreign import ForeignRegistry
from lockgate.dialects.mlflow.importing import import_registry
from lockgate.errors import InvalidInput
from registries import embedded


@pytest.fixture
def quiet(mlflow: Any, tmp_path: Path) -> Iterator[Any]:
    """MLflow, told afterwards to forget the URIs that an import set."""
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        environment.chdir(tmp_path)  # where MLflow makes what it was not told a place for
        environment.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        environment.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        yield mlflow
        mlflow.set_tracking_uri("")
        mlflow.set_registry_uri("")


@pytest.mark.parametrize("place", ["file:{}/mlruns", "sqlite:///{}/mlflow.db"])
def test_a_registry_on_this_disk(quiet: Any, tmp_path: Path, place: str) -> None:
    """A folder of MLflow 2 and a database are read straight, files and all."""
    uri = place.format(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    client = quiet.MlflowClient(uri, uri)
    client.create_registered_model("churn", {"team": "risk"}, "Who leaves")
    for _ in range(2):
        client.create_model_version("churn", f"{tmp_path}/model")
    client.transition_model_version_stage("churn", "2", "Production")
    client.set_registered_model_alias("churn", "champion", "1")
    with embedded(artifacts=str(tmp_path / "files")) as registry:
        report = import_registry(ForeignRegistry(uri), registry, "default")
        assert (report.models, report.versions) == (["churn"], ["churn/1", "churn/2"])
        assert (report.aliases, report.unbrought) == (["churn@champion"], [])
        again = import_registry(ForeignRegistry(uri), registry, "default")
        assert (again.versions, again.there_already) == ([], 2)
        second = registry.get_version("churn", 2)
        tags = dict(registry.get_model("churn").tags)
        assert (second.stage, tags) == ("production", {"team": "risk"})
        assert registry.resolve("churn@champion").seq == 1
        assert second.digest is not None
        registry.pull("churn:2", tmp_path / "out")
    assert (tmp_path / "out" / "MLmodel").read_text() == "flavors: {}\n"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("sqlite:///{}/no.db", "There is no MLflow registry at .*/no.db"),
        ("sqlite:///{}/folder", "There is no MLflow registry at .*/folder"),
        ("file:{}/nowhere", "There is no MLflow registry at .*/nowhere"),
        ("{}/nowhere", "There is no MLflow registry at"),
        ("ftp://host/x", "ftp:// is no place of an MLflow registry"),
        ("s3://bucket/x", "s3:// is no place of an MLflow registry"),
    ],
)
def test_where_there_is_none(tmp_path: Path, uri: str, words: str) -> None:
    """A path that is mistyped is said to be so, and nothing is made there."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInput, match=words):
        ForeignRegistry(uri.format(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
