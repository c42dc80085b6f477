"""The timeline of a model: as much of it as is asked for, and the newest first to be kept."""

from __future__ import annotations

import lockgate
from lockgate.storage import history
from lockgate.storage import models as model_rows
from lockgate.storage.database import Session


def test_a_timeline_that_is_too_long(database_url: str) -> None:
    """Of a history longer than the limit the newest part is shown, oldest first."""
    with lockgate.connect(database_url, actor="ana") as registry:
        registry.register_model("churn", "1")
        registry.promote("churn", "1")
        registry.set_alias("churn", "champion", "1")
        registry.promote("churn", "1")

        def newest(session: Session) -> list[str]:
            stored = model_rows.load_model(session, "default", "churn")
            return [stay.place for stay in history.list_occupancies(session, stored, 2)]

        whole = [stay.place for stay in registry.history("churn")]
        assert whole == ["None", "Staging", "champion", "Production"]
        assert registry._store.snapshot(newest) == ["champion", "Production"]
