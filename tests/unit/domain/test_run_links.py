"""Run links: the page of a run, from its id."""

from __future__ import annotations

import pytest

from lockgate.domain.run_links import RunPages
from lockgate.errors import InvalidSetting

HEX = "0123456789abcdef" * 2
MLFLOW = "https://mlflow.example/#/experiments/{experiment}/runs/{run}"


@pytest.mark.parametrize(
    ("run_id", "page"),
    [
        (HEX, f"https://mlflow.example/#/experiments/0/runs/{HEX}"),
        ("mlflow:7/abc", "https://mlflow.example/#/experiments/7/runs/abc"),
        ("mlflow:a b", "https://mlflow.example/#/experiments/0/runs/a%20b"),
        ("wandb:acme/churn/r1", "https://wandb.ai/acme/churn/runs/r1"),
        ("wandb://acme/churn/runs/r1", "https://wandb.ai/acme/churn/runs/r1"),
        ("https://ci.example/7", "https://ci.example/7"),
        ("nightly-7", None),
        ("javascript:alert(1)", None),
    ],
)
def test_pages(run_id: str, page: str | None) -> None:
    """By the form of the id; nothing where it says nothing."""
    assert RunPages(mlflow=MLFLOW).find(run_id) == page


def test_without_a_template_there_is_no_page() -> None:
    """MLflow has no place of its own on the web."""
    assert RunPages().find(HEX) is None


@pytest.mark.parametrize("template", ["javascript:{run}", "https://x/", "https://x/{who}/{run}"])
def test_templates_are_checked(template: str) -> None:
    """A URL with the run in it, and nothing that is not known."""
    with pytest.raises(InvalidSetting):
        RunPages(mlflow=template)
