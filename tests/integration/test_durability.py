"""Durability: a transaction is whole or not at all, and what is done is there after reopening."""

from __future__ import annotations

from typing import Any

import pytest

import lockgate
from bare import assert_whole, run
from lockgate.storage.database import RetryableFault


def test_reopened(database_url: str) -> None:
    """Everything that was written is there when the database is opened again, unchanged."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1", metrics={"auc": 0.9}, tags=["a"], run_id="r")
        registry.promote("churn", "1")
        registry.set_alias("churn", "champion", "1")
        before = [
            registry.get_model("churn"),
            registry.get_version("churn", "1"),
            registry.history("churn"),
            list(registry.audit()),
        ]
    with lockgate.connect(database_url, actor="bob") as registry:
        assert before == [
            registry.get_model("churn"),
            registry.get_version("churn", "1"),
            registry.history("churn"),
            list(registry.audit()),
        ]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, ValueError])
def test_a_use_case_that_breaks_changes_nothing(
    database_url: str, error: type[BaseException]
) -> None:
    """Whatever a use case dies of, nothing that it had written stays, nor any event."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        database: Any = registry._store.database
        before = list(registry.audit())

        def broken(session: Any) -> None:
            from lockgate.storage import models

            models.touch_model(session, models.lock_model(session, "default", "churn"))
            session._connection.execute("UPDATE versions SET label = 'spoilt'")
            raise error("in the middle")

        with pytest.raises(error):
            database.write(broken)
        assert registry.get_version("churn", "1").label == "1"
        assert before == list(registry.audit())
        assert registry.register_model("churn", "2").seq == 2
        assert_whole(registry, database_url)


def test_an_attempt_that_is_repeated_counts_once(database_url: str) -> None:
    """A use case that the database asks to repeat leaves the change and the event of one run."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.create_model("churn")
        runs: list[int] = []

        def use_case(session: Any) -> None:
            from lockgate.domain.permissions import WRITE_LIFECYCLE
            from lockgate.storage.guard import vouch
            from lockgate.storage.log import record

            session.settle_time(0)
            vouch(session, WRITE_LIFECYCLE, 1)
            record(session, 1, "ana", "apply_lifecycle", detail={"lifecycle": "x"})
            session._connection.execute("UPDATE models SET description = 'run'")
            runs.append(1)
            if len(runs) < 3:
                raise RetryableFault("a deadlock, say")

        size = registry.verify_audit().size
        registry._store.database.write(use_case)
        assert (len(runs), registry.verify_audit().size) == (3, size + 1)
        assert run(database_url, "SELECT description FROM models") == [("run",)]
