"""Which events somebody wants to hear of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lockgate.domain.audit import AuditEvent
from lockgate.domain.events import Interest, stages_of
from lockgate.errors import InvalidInput


def event(action: str = "transition", model: str | None = "churn", **detail: Any) -> AuditEvent:
    """An event of a project's log."""
    moment = datetime(2026, 10, 1, tzinfo=UTC)
    return AuditEvent(
        project="default", seq=7, at=moment, actor="ana", action=action, model=model, detail=detail
    )


@pytest.mark.parametrize(
    ("interest", "wanted"),
    [
        (Interest(), True),
        (Interest(models=("churn",)), True),
        (Interest(models=("fraud",)), False),
        (Interest(actions=("transition", "set_alias")), True),
        (Interest(actions=("set_alias",)), False),
        (Interest(stages=("production",)), True),
        (Interest(stages=("STAGING",)), True),
        (Interest(stages=("Archived",)), False),
        (Interest(models=("churn",), stages=("production",), actions=("waive",)), False),
    ],
)
def test_everything_that_is_named_has_to_fit(interest: Interest, wanted: bool) -> None:
    """Models and actions as they are written, stages in any case; nothing named wants all."""
    assert interest.wants(event(**{"from": "Staging", "to": "Production"})) is wanted


def test_an_event_is_about_the_stages_that_it_names() -> None:
    """Those it leaves, enters or has; a lifecycle's revision is none."""
    assert stages_of(event(stage="None", to=["standard", 2])) == {"none"}
    assert stages_of(event()) == set()


@pytest.mark.parametrize("words", [("",), ("a\nb",), tuple(f"m{n}" for n in range(51))])
def test_an_interest_is_checked(words: tuple[str, ...]) -> None:
    """Names are names, and there are not too many."""
    with pytest.raises(InvalidInput):
        Interest(models=words)
