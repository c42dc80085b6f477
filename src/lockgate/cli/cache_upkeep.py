"""``lockgate cache evict``, ``stats`` and ``watch``: what may go, and what went on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import cache_options as options
from lockgate.cli.cache_drawing import (
    draw_report,
    draw_stats,
    record_value,
    report_value,
    sentence,
    tell,
)
from lockgate.cli.session import Session
from lockgate.errors import CoordinatorUnavailable, InvalidInput, Unavailable

if TYPE_CHECKING:
    from lockgate.caching import OpenedCache
    from lockgate.cli.cache_progress import Changes
    from lockgate.coordination.eviction import EvictionLimits


def evict(
    ctx: typer.Context,
    unused_s: options.UnusedS = None,
    models_max: options.ModelsMax = None,
    bytes_free_min: options.BytesFree = None,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="Also what the registry deleted or archived.")
    ] = False,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Make room once; never what somebody reads. Limits not given are those of the settings."""
    from lockgate.coordination.eviction import EvictionLimits

    session = Session.of(ctx)
    limits = _limits(session, unused_s, models_max, bytes_free_min)
    if not withdrawn and limits == EvictionLimits():
        raise InvalidInput(
            field="limits",
            detail="say what may go: --unused-s, --models-max, --bytes-free-min or --withdrawn",
        )
    with options.open_for(session, root, coordination, scope) as opened:
        report = opened.evict(limits, withdrawn=withdrawn)
    session.output.show(report_value(report), lambda: draw_report(session, report))


def stats(
    ctx: typer.Context,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Count models by status, and what all users of this folder did so far."""
    session = Session.of(ctx)
    with options.open_for(session, root, coordination, scope) as opened:
        counts = opened.backend.get_status_counts()
        copies = opened.cache.layout.list_copies()
        totals = opened.cache.totals()
    value = {
        "models": {status.value: number for status, number in counts.items()},
        "on_disk": {"models": len(copies), "bytes": sum(copy.bytes_total for copy in copies)},
        "totals": dict(sorted(totals.items())),
    }
    session.output.show(value, lambda: draw_stats(session, value))


def watch(
    ctx: typer.Context,
    every_s: Annotated[
        float | None,
        typer.Option(
            "--every-s", min=0.05, metavar="S", help="How often [LOCKGATE_CACHE_WATCH_S, else 60]"
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, metavar="N", help="Stop after N rounds.")
    ] = None,
    unused_s: options.UnusedS = None,
    models_max: options.ModelsMax = None,
    bytes_free_min: options.BytesFree = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port", min=1, max=65_535, metavar="PORT", help="Serve /metrics there."
        ),
    ] = None,
    metrics_host: Annotated[
        str, typer.Option("--metrics-host", metavar="ADDRESS", help="Where /metrics listens.")
    ] = "127.0.0.1",
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Stay, tell what changes, and evict: what is withdrawn goes within one round.

    Limits not given are those of the settings. A registry or backend that is away is told of, and
    asked again in the next round.
    """
    from lockgate.cli.cache_progress import Changes

    session = Session.of(ctx)
    limits = _limits(session, unused_s, models_max, bytes_free_min)
    pause_s = session.settings.cache_watch_s if every_s is None else every_s
    changes = Changes()
    with options.open_for(session, root, coordination, scope) as opened:
        if metrics_port is not None:
            _serve_metrics(opened, metrics_host, metrics_port)
        done = 0
        while True:
            _watch_once(session, opened, limits, changes)
            done += 1
            if rounds is not None and done >= rounds:
                return
            time.sleep(pause_s)


def _limits(
    session: Session,
    unused_s: float | None,
    models_max: int | None,
    bytes_free_min: int | None,
) -> EvictionLimits:
    """Return the limits that were given, and those of the settings in place of the others."""
    from lockgate.coordination.eviction import EvictionLimits

    settings = session.settings
    if unused_s is None:
        unused_s = settings.cache_unused_s_max or None
    if models_max is None:
        models_max = settings.cache_models_max or None
    if bytes_free_min is None:
        bytes_free_min = settings.cache_bytes_free_min or None
    return EvictionLimits(unused_s, models_max, bytes_free_min)


def _watch_once(
    session: Session, opened: OpenedCache, limits: EvictionLimits, changes: Changes
) -> None:
    """Tell what changed since the last round, then evict."""
    try:
        for record in changes.since(opened.backend.get_models_by_last_used()):
            tell(session, {"event": "record", **record_value(record)}, sentence(record))
        try:
            report = opened.evict(limits, withdrawn=True)
        except CoordinatorUnavailable:
            raise
        except Unavailable as error:  # the registry: what it withdrew has to wait, the rest not
            _tell_away(session, error)
            report = opened.evict(limits, withdrawn=False)
    except Unavailable as error:
        _tell_away(session, error)
        return
    for key, reason in report.evicted:
        told = {"event": "evicted", "model": str(key), "reason": reason}
        tell(session, told, f"evicted {key}: {reason}")


def _tell_away(session: Session, error: Unavailable) -> None:
    tell(session, {"event": "unavailable", "detail": str(error)}, f"unavailable: {error}")


def _serve_metrics(opened: OpenedCache, host: str, port: int) -> None:
    from prometheus_client import CollectorRegistry, start_http_server

    from lockgate.coordination.metrics import CacheCollector

    registry = CollectorRegistry()
    registry.register(CacheCollector(opened.backend, opened.plan.root))
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise InvalidInput(
            field="metrics-port",
            detail=f"cannot listen on {host} port {port}: {error.strerror}; name another",
        ) from None
