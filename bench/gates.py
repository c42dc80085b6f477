"""Gates and the log: a dry run against a plain read, appending, and verifying."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

from bench.clock import show, take_turns
from bench.filling import open_registry
from bench.serving import LOCKGATE, get, server
from lockgate.domain.permissions import PROMOTE
from lockgate.domain.policies import PromotionPolicy
from lockgate.domain.verification import verify_events
from lockgate.registry import Registry
from lockgate.services import auditing
from lockgate.storage import guard
from lockgate.storage.database import Session
from lockgate.storage.log import load_head, record
from lockgate.storage.projects import project_id
from lockgate.storage.store import Caller

WANTED_EXPLAIN = 1 / 2
APPEND_SHARE_MAX = 0.25
VERIFIED_PER_S_MIN = 100_000
EVENTS_PER_S = 60_000
"""How long a log is verified, for each second that a measurement may take."""
READ = "get_version"


def twenty_requirements() -> PromotionPolicy:
    """Return a policy of twenty requirements of every sort that looks at a version."""
    policy = PromotionPolicy()
    for number in range(8):
        policy = policy.require_metric(f"metric-{number}", ">=", 0.5)
    for number in range(4):
        policy = policy.require_metric_vs(f"metric-{number}", min_delta=-0.1)
    for number in range(3):
        policy = policy.require_check(f"check-{number}", max_age="7d")
    return (
        policy.require_approvals(2)
        .require_tag("team", "risk")
        .require_metadata("data.licence")
        .require_card(chars_min=10)
        .require_lineage("run")
    )


def prepare(registry: Registry) -> None:
    """Register a version with all the evidence there can be, and guard its way up."""
    metrics = {f"metric-{number}": 0.9 for number in range(8)}
    for label in ("1", "2"):
        registry.register_model(
            "gated",
            label,
            metrics=metrics,
            tags={"team": "risk"},
            metadata={"data": {"licence": "CC-BY"}},
            description="A card of some length.",
            run_id="run-1",
        )
        registry.transition_stage("gated", label, "Staging")
    registry.transition_stage("gated", "1", "Production")
    registry.attach_policy("Production", twenty_requirements(), model="gated")
    for number in range(3):
        registry.report_check("gated", "2", f"check-{number}", "passed")
    uid = registry.request_promotion("gated", "2", "Production").request.uid
    for person in ("bob", "cid"):
        registry.acting_as(person).approve(uid)


def run(folder: Path, seconds: float) -> None:
    """Measure in process, over HTTP, and the log."""
    path = folder / "gates.db"
    registry = open_registry(path)
    prepare(registry)
    report = registry.explain("gated", "2", "Production")
    assert (len(report.rows), report.holds) == (20, True), report.sentence
    rows = take_turns(
        {
            READ: lambda: registry.get_version("gated", "2"),
            "explain, nothing asked": lambda: registry.explain("gated", "2", "Archived"),
            "explain, 20 requirements": lambda: registry.explain("gated", "2", "Production"),
        },
        seconds,
    )
    show("Dry runs in process", rows, READ)
    _measure_appending(registry, seconds)
    _measure_verifying(registry, max(1_000, int(seconds * EVENTS_PER_S)))
    registry.close()
    _measure_http(path, seconds)


def _measure_http(path: Path, seconds: float) -> None:
    base = "/api/v1/projects/default/models/gated/versions/2"
    environ = {"LOCKGATE_DATABASE": f"sqlite:///{path}"}
    with server(["-c", LOCKGATE, "serve"], environ) as ours:
        rows = take_turns(
            {
                READ: lambda: get(ours, base),
                "explain, 20 requirements": lambda: get(ours, f"{base}/gate?to=Production"),
            },
            seconds,
        )
    show("Dry runs over HTTP", rows, READ, WANTED_EXPLAIN)


def _measure_appending(registry: Registry, seconds: float) -> None:
    """Print which part of a durable transition is spent on the log."""
    registry.create_model("open", lifecycle="open")
    registry.register_model("open", "1")
    database = registry._store.database
    append, spent = database.append_events, 0.0
    assert append is not None

    def timed(session: Session, drafts: list[Any]) -> None:
        nonlocal spent
        begin = time.perf_counter()
        append(session, drafts)
        spent += time.perf_counter() - begin

    database.append_events = timed
    turn = itertools.count()
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        registry.transition_stage("open", "1", ("staging", "none")[next(turn) % 2])
    whole = time.perf_counter() - begin
    database.append_events = append
    count = next(turn)
    print(f"\nAppending to the log  (wanted: {APPEND_SHARE_MAX:.0%} of a transition or less)")
    print(
        f"  {whole / count * 1e6:.1f} µs a durable transition, {spent / count * 1e6:.1f} µs of it "
        f"appending: {spent / whole:.0%}"
    )


def _measure_verifying(registry: Registry, count: int) -> None:
    """Print how many events a second one core verifies, from the database and from memory."""
    store = registry._store
    registry.create_project("long")
    registry.create_model("long/m", lifecycle="open")
    registry.register_model("long/m", "1")
    stages = ("none", "staging")
    steps = [(*stages, "promote"), (*reversed(stages), "demote")]

    def fill(session: Session) -> None:
        session.settle_time(0)
        key = project_id(session, "long")
        guard.vouch(session, PROMOTE, key)
        for number in range(count):
            source, target, verb = steps[number % 2]
            detail = {"from": source, "to": target, "verb": verb, "comment": "", "forced": False}
            record(session, key, "ana", "transition", model="m", version="1", detail=detail)

    store.write(Caller(actor=registry._who.actor), fill)

    def load(session: Session) -> Any:
        key = project_id(session, "long")
        return list(auditing.stored_events(session, key)), load_head(session, key)

    events, head = store.snapshot(load)
    print(f"\nVerifying {len(events):,} events  (wanted: {VERIFIED_PER_S_MIN:,} a second or more)")
    begin = time.perf_counter()
    assert verify_events(events, head=head.frontier).ok
    print(f"  in memory          {len(events) / (time.perf_counter() - begin):>12,.0f} a second")
    begin = time.perf_counter()
    assert registry.verify_audit(project="long").ok
    print(f"  from the database  {len(events) / (time.perf_counter() - begin):>12,.0f} a second")
