"""Lineage is the same in this process and over HTTP."""

from __future__ import annotations

import pytest

from lockgate.domain.lineage import LineageGraph
from lockgate.errors import InvalidInput, VersionNotFound
from registries import AnyRegistry


def drawn(graph: LineageGraph) -> list[tuple[str, str]]:
    """Edges, as (from, to), without the project."""
    return sorted(
        (edge.source.removeprefix("default/"), edge.target.removeprefix("default/"))
        for edge in graph.edges
    )


@pytest.fixture
def family(registry: AnyRegistry) -> AnyRegistry:
    """base:1 ─▶ churn:1 ─▶ churn:2 and eu:1, with a run, data and code."""
    registry.register_model("base", "1", dataset="s3://data/1")
    registry.register_model(
        "churn", "1", parents=["base:1"], run_id="wandb:acme/churn/r1", code="git:abc"
    )
    registry.register_model("churn", "2", parents=["churn:1"], dataset="s3://data/2")
    registry.register_model("eu", "1", parents=["churn:1"])
    return registry


def test_both_ways_from_the_middle(family: AnyRegistry) -> None:
    """What it came from with runs, data and code; what came from it as versions."""
    graph = family.lineage("churn:1")
    assert drawn(graph) == [
        ("base:1", "churn:1"),
        ("churn:1", "churn:2"),
        ("churn:1", "eu:1"),
        ("code:git:abc", "churn:1"),
        ("dataset:s3://data/1", "base:1"),
        ("run:wandb:acme/churn/r1", "churn:1"),
    ]
    by_id = {node.id: node for node in graph.nodes}
    assert graph.root == "default/churn:1"
    assert by_id["default/base:1"].distance == -1
    assert by_id["dataset:s3://data/1"].distance == -2
    assert by_id["default/eu:1"].distance == 1
    run = by_id["run:wandb:acme/churn/r1"]
    assert run.url == "https://wandb.ai/acme/churn/runs/r1"
    assert not graph.truncated


def test_one_way_and_as_far_as_asked(family: AnyRegistry) -> None:
    """A direction and a depth; what lies beyond is said to be there."""
    up = family.lineage("churn:2", direction="upstream", depth=1)
    assert drawn(up) == [("churn:1", "churn:2"), ("dataset:s3://data/2", "churn:2")]
    assert up.truncated
    down = family.lineage("base:1", direction="downstream", depth=1)
    assert drawn(down) == [("base:1", "churn:1")]
    assert down.truncated
    assert len(family.lineage("base:1", direction="downstream").nodes) == 4


def test_a_moving_parent_is_what_it_meant_then(registry: AnyRegistry) -> None:
    """``base@champion`` at the time of registration, whatever it means later."""
    registry.register_model("base", "1")
    registry.register_model("base", "2")
    registry.set_alias("base", "champion", "1")
    registry.register_model("churn", "1", parents=["base@champion"])
    registry.set_alias("base", "champion", "2")
    assert drawn(registry.lineage("churn:1")) == [("base:1", "churn:1")]
    assert drawn(registry.lineage("base:1")) == [("base:1", "churn:1")]
    assert drawn(registry.lineage("base:2")) == []


def test_parents_that_are_not_there(registry: AnyRegistry) -> None:
    """Unknown until they are registered; said to be deleted once they are."""
    registry.register_model("churn", "1", parents=["base:1", "elsewhere/other:7"])
    kinds = {node.name: node.kind for node in registry.lineage("churn:1").nodes}
    assert kinds["default/base:1"] == "unknown"
    assert kinds["elsewhere/other:7"] == "unknown"
    registry.register_model("base", "1")
    assert drawn(registry.lineage("base:1")) == [("base:1", "churn:1")]
    assert registry.lineage("churn:1").nodes[1].kind == "version"
    registry.register_model("late", "1", parents=["base:1"])
    registry.delete_version("base", "1")
    kinds = {node.name: node.kind for node in registry.lineage("late:1").nodes}
    assert kinds["default/base:1"] == "deleted"
    registry.delete_version("late", "1")
    with pytest.raises(VersionNotFound):
        registry.lineage("late:1")


def test_rings_end(registry: AnyRegistry) -> None:
    """Two versions that name each other are followed once around."""
    registry.register_model("a", "1", parents=["b:1"])
    registry.register_model("b", "1", parents=["a:1", "b:1"])
    assert drawn(registry.lineage("a:1", depth=50)) == [
        ("a:1", "b:1"),
        ("b:1", "a:1"),
    ]


@pytest.mark.parametrize("words", [{"depth": 0}, {"depth": 51}, {"direction": "sideways"}])
def test_what_cannot_be_asked(family: AnyRegistry, words: dict[str, object]) -> None:
    """A direction and a depth that there are."""
    with pytest.raises(InvalidInput):
        family.lineage("churn:1", **words)
