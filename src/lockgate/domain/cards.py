"""Model cards in Hugging Face's form: YAML about the model, then Markdown for people.

What a registry knows is written down; what it cannot know is left as headings with a question
under each, for people to answer.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from lockgate.domain.approvals import Decision
from lockgate.domain.checks import CheckResult
from lockgate.domain.lineage import LineageGraph, LineageNode
from lockgate.domain.moments import to_text
from lockgate.domain.versions import ModelVersion
from lockgate.domain.yaml_text import yaml_text

_QUESTIONS = (
    ("Intended use", "What is it for, and what is it not for?"),
    ("Limitations", "Where does it fail, and whom could that harm?"),
)


def model_card(
    version: ModelVersion,
    lineage: LineageGraph,
    decisions: Sequence[Decision],
    checks: Sequence[CheckResult],
    description: str = "",
) -> str:
    """Return a card of a version; ``description`` is the model's, ``lineage`` goes upstream."""
    sections = [
        "---\n" + yaml_text([_front_matter(version, lineage)]) + "---",
        f"# {_plain(version.model)} {_plain(version.label)}",
        version.description or description,
        _table("Version", _facts(version)),
        _table("Evaluation", [(key, f"{value}") for key, value in version.metrics.items()]),
        _table("Parameters", [(key, f"{value}") for key, value in version.params.items()]),
        _list("Where it came from", map(_source, _first_steps(lineage))),
        _list("Checks", [f"{_plain(each.name)}: {each.status}" for each in _latest(checks)]),
        _list(
            "Decisions",
            [
                f"{_plain(each.actor)}: {each.verdict} for {_plain(each.to_stage)}"
                + (f", “{_plain(each.comment)}”" if each.comment else "")
                for each in decisions
            ],
        ),
        *(f"## {title}\n\n<!-- {question} -->" for title, question in _QUESTIONS),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(version: ModelVersion, lineage: LineageGraph) -> dict[str, Any]:
    """Return what the Hub reads; ``model-index`` holds the metrics as it wants them."""
    steps = _first_steps(lineage)
    found: dict[str, Any] = {}
    for key in ("license", "library_name", "pipeline_tag", "language"):
        if key in version.tags:
            found[key] = version.tags[key]
    tags = [
        "lockgate",
        *(f"{key}:{value}" if value else key for key, value in version.tags.items()),
    ]
    found["tags"] = tags
    datasets = [node.name for node in steps if node.kind == "dataset"]
    if datasets:
        found["datasets"] = datasets
    parents = [node.name for node in steps if node.kind not in ("dataset", "run", "code")]
    if parents:
        found["base_model"] = parents
    if version.metrics:
        metrics = [
            {"type": key, "value": value, "name": key} for key, value in version.metrics.items()
        ]
        result = {
            "task": {"type": version.tags.get("pipeline_tag", "other")},
            "dataset": {"type": "unknown", "name": datasets[0] if datasets else "unknown"},
            "metrics": metrics,
        }
        found["model-index"] = [{"name": version.model, "results": [result]}]
    return found


def _facts(version: ModelVersion) -> list[tuple[str, str]]:
    approved = None
    if version.approved_by is not None and version.approved_at is not None:
        approved = f"{version.approved_by} at {to_text(version.approved_at)}"
    facts = (
        ("Reference", version.reference),
        ("Stage", version.stage),
        ("Digest", version.digest),
        ("Files elsewhere", version.artifact_uri),
        ("Made by", f"{version.created_by} at {to_text(version.created_at)}"),
        ("Approved by", approved),
    )
    return [(name, value) for name, value in facts if value]


def _first_steps(lineage: LineageGraph) -> list[LineageNode]:
    sources = set(lineage.sources_of(lineage.root))
    return [node for node in lineage.nodes if node.id in sources]


def _source(node: LineageNode) -> str:
    kind = "version" if node.kind in ("deleted", "unknown") else node.kind
    name = _plain(node.name)
    return f"{kind} {name}" if node.url is None else f"{kind} [{name}](<{_plain(node.url)}>)"


def _latest(checks: Iterable[CheckResult]) -> list[CheckResult]:
    return list({each.name: each for each in checks}.values())


def _table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = [f"| {_plain(name)} | {_plain(value)} |" for name, value in rows]
    return "\n".join([f"## {title}", "", "| | |", "|---|---|", *lines])


def _list(title: str, items: Iterable[str]) -> str:
    lines = [f"- {item}" for item in items]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _plain(text: str) -> str:
    """Return text that Markdown takes for text, on one line."""
    one_line = html.escape(" ".join(text.split()), quote=False)
    return "".join(f"\\{char}" if char in "\\`*[]|#" else char for char in one_line)
