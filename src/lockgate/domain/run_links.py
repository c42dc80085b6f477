"""Runs of other tools: the page that shows one, from its id as it is on record.

3f2c… (32 hex), mlflow:ID, mlflow:EXPERIMENT/ID      MLflow
wandb:ENTITY/PROJECT/RUN                             Weights & Biases
https://…                                            the page itself
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from lockgate.errors import InvalidSetting

WANDB_PAGES = "https://wandb.ai/{entity}/{project}/runs/{run}"
_MLFLOW = re.compile(r"(?:mlflow:(?:([^/]+)/)?([^/]+)|([0-9a-f]{32}))")
_WANDB = re.compile(r"wandb:(?://)?([^/]+)/([^/]+)/(?:runs/)?([^/]+)")
_WEB = ("https://", "http://")


@dataclass(frozen=True, kw_only=True)
class RunPages:
    """Where the pages of runs are: URLs with ``{run}`` in them; empty where there are none.

    MLflow's may hold ``{experiment}`` (0 for a run on record without one), Weights & Biases'
    ``{entity}`` and ``{project}``. Raises `InvalidSetting`.
    """

    mlflow: str = ""
    wandb: str = WANDB_PAGES

    def __post_init__(self) -> None:
        _check("mlflow_run_url", self.mlflow, {"run": "", "experiment": ""})
        _check("wandb_run_url", self.wandb, {"run": "", "entity": "", "project": ""})

    def find(self, run_id: str) -> str | None:
        """Return the page of a run, or None where nothing says which it is."""
        if run_id.startswith(_WEB):
            return run_id
        found = _WANDB.fullmatch(run_id)
        if found and self.wandb:
            entity, project, run = (quote(part, safe="") for part in found.groups())
            return self.wandb.format(entity=entity, project=project, run=run)
        found = _MLFLOW.fullmatch(run_id)
        if found and self.mlflow:
            run = quote(found[2] or found[3], safe="")
            return self.mlflow.format(run=run, experiment=quote(found[1] or "0", safe=""))
        return None


def _check(setting: str, template: str, words: dict[str, str]) -> None:
    if not template:
        return
    try:
        known = template.startswith(_WEB) and template.format(**words) != template
    except (KeyError, ValueError, IndexError, AttributeError):
        known = False
    if not known or "{run}" not in template:
        listed = ", ".join(f"{{{word}}}" for word in words)
        raise InvalidSetting(
            setting=setting,
            detail=f"a URL of http or https with {{run}} in it; it may hold {listed}",
        )
