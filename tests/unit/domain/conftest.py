"""Builders of versions, evidence and decisions, so that a test states only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings

from lockgate.domain.approvals import Decision, content_digest, content_parts
from lockgate.domain.frozen import FrozenDict
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.requirements.evidence import Evidence
from lockgate.domain.versions import ModelVersion

# A test that is right stays right on a slow machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
MAPPINGS = ("metrics", "params", "tags", "metadata")


def make_version(**fields: Any) -> ModelVersion:
    """Return version 7 of ``churn``, registered by bob, two days in Staging."""
    given = {key: FrozenDict(value) if key in MAPPINGS else value for key, value in fields.items()}
    return ModelVersion(
        **{
            "uid": "uid-7",
            "project": "default",
            "model": "churn",
            "label": "7",
            "seq": 7,
            "stage": "Staging",
            "stage_since": NOW - timedelta(days=2),
            "digest": "ab" * 32,
            "created_by": "bob",
            "created_at": NOW - timedelta(days=3),
            "updated_at": NOW - timedelta(days=2),
            **given,
        }
    )


def make_evidence(version: ModelVersion | None = None, **fields: Any) -> Evidence:
    """Return evidence on a version that wants to enter Production now."""
    return Evidence(
        **{"version": version or make_version(), "to_stage": "Production", "now": NOW, **fields}
    )


def make_decision(
    policy: PromotionPolicy, version: ModelVersion | None = None, **fields: Any
) -> Decision:
    """Return ana's approval of the version as it is, under ``policy``."""
    version = version or make_version()
    return Decision(
        **{
            "verdict": "approve",
            "actor": "ana",
            "to_stage": "Production",
            "at": NOW - timedelta(hours=1),
            "content_digest": content_digest(version),
            "content_parts": content_parts(version),
            "policy_digest": policy.digest(),
            **fields,
        }
    )


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment of all evidence."""
    return NOW


@pytest.fixture(scope="session")
def version() -> Callable[..., ModelVersion]:
    """Builds versions."""
    return make_version


@pytest.fixture(scope="session")
def evidence() -> Callable[..., Evidence]:
    """Builds evidence."""
    return make_evidence


@pytest.fixture(scope="session")
def decision() -> Callable[..., Decision]:
    """Builds decisions."""
    return make_decision
