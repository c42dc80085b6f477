"""Models that moved to another lifecycle: what stood where before stays known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lockgate.bootstrap import open_store
from lockgate.domain.access import Actor
from lockgate.errors import AliasNotFound, Conflict, StageEmpty
from lockgate.registry import Registry
from lockgate.settings import Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def document(top: str) -> dict[str, Any]:
    """A lifecycle of two stages, the upper one of a name of its own."""
    return {
        "name": "two",
        "stages": [{"name": "Dev"}, {"name": top, "serving": True}],
        "initial": "Dev",
        "edges": [{"from": "Dev", "to": top}, {"from": top, "to": "Dev"}],
    }


def test_a_stage_that_was_renamed(database_url: str) -> None:
    """A stage that only the former lifecycle had is asked for at a moment it was in use."""
    moment = [NOON]
    with Registry(
        open_store(database_url, Settings(), lambda: moment[0]), Actor("ana")
    ) as registry:
        registry.apply_lifecycle(document("Live"))
        registry.create_model("churn", lifecycle="two")
        registry.register_model("churn", "1")
        registry.promote("churn", "1")
        moment[0] = NOON + timedelta(hours=2)
        registry.demote("churn", "1")
        registry.apply_lifecycle(document("Production"))
        registry.update_model("churn", lifecycle="two")
        one_o_clock = NOON + timedelta(hours=1)
        assert registry.resolve("churn@live", at=one_o_clock).stage == "Live"
        assert registry.get_latest("churn", "LIVE", at=one_o_clock).label == "1"
        assert registry.production("churn", at=one_o_clock).label == "1"
        with pytest.raises(StageEmpty):
            registry.resolve("churn@live", at=NOON + timedelta(hours=3))
        with pytest.raises(AliasNotFound):
            registry.resolve("churn@live")
        with pytest.raises(AliasNotFound):
            registry.resolve("churn@nowhere", at=one_o_clock)


def test_a_version_that_would_have_no_place(database_url: str) -> None:
    """A model stays where it is while a version stands in a stage that the new one lacks."""
    with Registry(open_store(database_url, Settings()), Actor("ana")) as registry:
        registry.apply_lifecycle(document("Live"))
        registry.apply_lifecycle(document("Production"))
        registry.create_model("churn", lifecycle="two", lifecycle_revision=1)
        registry.register_model("churn", "1")
        registry.promote("churn", "1")
        with pytest.raises(Conflict, match="no stage 'Live', where 1 versions stand"):
            registry.update_model("churn", lifecycle="two")
        assert registry.get_model("churn").lifecycle_revision == 1
