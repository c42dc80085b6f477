"""Requests and decisions: who may, until when, and what they are bound to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lockgate.domain.approvals import (
    Decision,
    PromotionRequest,
    content_digest,
    latest_decisions,
    require_may_decide,
    require_may_withdraw,
)
from lockgate.domain.policies import PromotionPolicy
from lockgate.errors import Conflict, InvalidInput, LimitExceeded, RequestClosed

Build = Callable[..., Any]


def make_request(now: datetime, **fields: Any) -> PromotionRequest:
    """Return bob's request to let version 7 into Production."""
    given = {
        "uid": "r1",
        "project": "default",
        "model": "churn",
        "version": "7",
        "to_stage": "Production",
        "requested_by": "bob",
        "created_at": now,
    }
    return PromotionRequest(**{**given, **fields})


def test_open_until_it_expires(now: datetime) -> None:
    """An open request takes decisions until it runs out."""
    request = make_request(now, expires_at=now + timedelta(hours=1))
    request.require_open(now + timedelta(minutes=59))
    with pytest.raises(RequestClosed, match="'r1' is expired"):
        request.require_open(now + timedelta(hours=1))


@pytest.mark.parametrize("status", ["completed", "rejected", "withdrawn", "expired"])
def test_closed(now: datetime, status: Any) -> None:
    """A request that is not open takes no decisions."""
    with pytest.raises(RequestClosed, match=f"is {status}, no longer open"):
        make_request(now, status=status).require_open(now)


def test_author_cannot_approve() -> None:
    """The author's approval is refused unless allowed; their rejection never is."""
    with pytest.raises(Conflict, match="bob registered this version and cannot approve it"):
        require_may_decide("bob", "approve", author="bob", author_may_approve=False)
    require_may_decide("bob", "approve", author="bob", author_may_approve=True)
    require_may_decide("bob", "reject", author="bob", author_may_approve=False)
    require_may_decide("ana", "approve", author="bob", author_may_approve=False)


def test_withdrawing(now: datetime) -> None:
    """Who asked may withdraw, and who manages requests; nobody else."""
    request = make_request(now)
    require_may_withdraw(request, "bob", may_manage=False)
    require_may_withdraw(request, "ana", may_manage=True)
    with pytest.raises(Conflict, match="Only bob"):
        require_may_withdraw(request, "ana", may_manage=False)


def test_last_word_of_each(decision: Build) -> None:
    """Of each person the last decision remains, in the order of these last ones."""
    policy = PromotionPolicy()
    ana, eve = decision(policy), decision(policy, actor="eve")
    changed = replace(ana, verdict="reject")
    elsewhere = replace(eve, to_stage="Staging")
    given = (ana, eve, changed, elsewhere)
    assert latest_decisions(given, "production") == (eve, changed)


@pytest.mark.parametrize(
    "changes", [{"metrics": {"a": 1}}, {"digest": None}, {"artifact_uri": "s3://x"}, {"uid": "u"}]
)
def test_content_digest_changes(version: Build, changes: dict[str, Any]) -> None:
    """Another version, other files or other metrics are other content."""
    assert content_digest(version(**changes)) != content_digest(version())


def test_content_digest_stays(version: Build) -> None:
    """What is not content leaves the digest as it is, the order of metrics too."""
    one = version(metrics={"a": 1, "b": 2}, tags={"t": "1"}, stage="None")
    two = version(metrics={"b": 2, "a": 1}, description="words", params={"p": 1})
    assert content_digest(one) == content_digest(two)


def test_invalid_records(now: datetime, decision: Build) -> None:
    """Unknown verdicts and statuses, and comments beyond the limit, are refused."""
    good: Decision = decision(PromotionPolicy())
    with pytest.raises(InvalidInput):
        replace(good, verdict="abstain")  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded):
        replace(good, comment="x" * 10_001)
    with pytest.raises(InvalidInput):
        make_request(now, status="lost")
    with pytest.raises(InvalidInput):
        make_request(now, expires_at=now)
