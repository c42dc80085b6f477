"""Requests that only time keeps waiting are carried out by the server."""

from __future__ import annotations

import time
from pathlib import Path

from starlette.testclient import TestClient

import lockgate
from lockgate import PromotionPolicy
from lockgate.bootstrap import app_from
from lockgate.settings import Settings

PATIENCE_S = 30.0


def test_the_server_promotes_when_the_soak_is_over(tmp_path: Path) -> None:
    """A request that waits for a soak alone is completed by `serve`, without another word."""
    url = f"sqlite:///{tmp_path}/lockgate.db"
    with lockgate.connect(url, actor="ana") as registry:
        policy = PromotionPolicy().require_soak("staging", 1)
        registry.register_model("churn", "1")
        registry.attach_policy("production", policy, model="churn")
        registry.promote("churn", "1")
        asked = registry.request_promotion("churn", "1", "production", auto_promote=True)
        assert asked.request.status == "open"
        app = app_from(Settings(database=url, settle_s=0.1, actor="server"))
        with TestClient(app, base_url="http://localhost"):
            deadline = time.monotonic() + PATIENCE_S
            while registry.get_request(asked.request.uid).request.status == "open":
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert registry.get_request(asked.request.uid).request.status == "completed"
        assert registry.production("churn").version == "1"
        assert registry.get_transitions("churn", "1")[-1].actor == "ana"
