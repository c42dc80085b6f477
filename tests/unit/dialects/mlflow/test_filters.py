"""MLflow's grammar in ours: whatever is written is refused in MLflow's words or understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.dialects.mlflow.filters import MODELS, VERSIONS, our_filter, our_order
from lockgate.dialects.mlflow.problems import MlflowProblem
from lockgate.domain.filters import parse_filter, parse_order_by

NO_PROMPTS = "NOT tags.`mlflow.prompt.is_prompt` = 'true'"
WORDS = st.sampled_from(
    [
        "name", "run_id", "version_number", "source_path", "tags.k", "tags.`a b`", "tag.\"x\"",
        "attribute.name", "=", "!=", "<=", "LIKE", "ilike", "IN", "NOT IN", "AND", "OR", "is null",
        "(", ")", ",", "'a'", "\"b\"", "'it''s'", "'100%\\'", "7", "1.5", "true", "`", "'",
        "tags.`mlflow.prompt.is_prompt`",
    ]
)  # fmt: skip
WRITTEN = st.lists(WORDS, max_size=9).map(" ".join) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("", NO_PROMPTS),
        ("name LIKE 'a\\_%'", "name LIKE 'a\\\\_%' AND " + NO_PROMPTS),
        ('run_id = "it\'s"', "run_id = 'it''s' AND " + NO_PROMPTS),
        ("tags.`mlflow.prompt.is_prompt` = 'True'", "tags.`mlflow.prompt.is_prompt` = 'True'"),
        ("tags.`mlflow.prompt.is_prompt` = 'false'", NO_PROMPTS),
        ("version_number >= '3'", "seq >= 3 AND " + NO_PROMPTS),
        ("source_path != 'x'", "NOT artifact_uri = 'x' AND " + NO_PROMPTS),
    ],
)
def test_a_filter_in_our_words(theirs: str, ours: str) -> None:
    """Fields have our names, texts our quotes, and prompts are left out unless asked for."""
    assert our_filter(theirs, VERSIONS) == ours


@given(WRITTEN)
def test_any_filter_is_refused_or_understood(text: str) -> None:
    """No text breaks the translation, and what it gives is a filter of ours."""
    for searched, scope in ((MODELS, "models"), (VERSIONS, "versions")):
        try:
            ours = our_filter(text, searched)
        except MlflowProblem:
            continue
        parse_filter(ours, scope)  # type: ignore[arg-type]


@given(st.lists(WRITTEN, max_size=3))
def test_any_order_is_refused_or_understood(clauses: list[str]) -> None:
    """No clause breaks the translation, and what it gives are sort keys of ours."""
    try:
        ours = our_order(clauses, VERSIONS)
    except MlflowProblem:
        return
    assert len(parse_order_by(ours)) >= 2
