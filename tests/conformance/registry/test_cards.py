"""Generated cards are the same in this process and over HTTP, and read by the Hub's own library."""

from __future__ import annotations

from huggingface_hub import ModelCard

from registries import AnyRegistry


def test_a_card_says_what_is_known(registry: AnyRegistry) -> None:
    """Front matter that the Hub's library reads, and Markdown for people."""
    registry.register_model("base", "1")
    registry.register_model(
        "churn",
        "2",
        metrics={"auc": 0.91},
        params={"depth": 7},
        tags={"license": "apache-2.0", "team": "risk"},
        dataset="s3://data",
        parents=["base:1"],
        run_id="wandb:acme/churn/r1",
        description="Says who | leaves.\n---\nReally",
    )
    registry.report_check("churn", "2", "lint", "passed")
    text = registry.generate_card("churn:2")
    card = ModelCard(text)
    assert card.data.license == "apache-2.0"
    assert card.data.base_model == ["default/base:1"]
    assert card.data.datasets == ["s3://data"]
    assert card.data.tags == ["lockgate", "license:apache-2.0", "team:risk"]
    (result,) = card.data.eval_results or []
    assert (result.metric_type, result.metric_value) == ("auc", 0.91)
    for line in (
        "# churn 2",
        "Says who | leaves.",
        "| auc | 0.91 |",
        "| depth | 7 |",
        "- run [wandb:acme/churn/r1](<https://wandb.ai/acme/churn/runs/r1>)",
        "- version default/base:1",
        "- lint: passed",
        "## Intended use",
    ):
        assert line in text.splitlines()
    registry.update_version("churn", "2", description=text)
    assert registry.card("churn:2") == text


def test_a_card_of_little(registry: AnyRegistry) -> None:
    """A version of which nothing is known has one all the same."""
    registry.register_model("churn", "1")
    card = ModelCard(registry.generate_card("churn:1"))
    assert card.data.tags == ["lockgate"]
    assert "## Evaluation" not in card.text
