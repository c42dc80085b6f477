"""``lockgate cache``: models on this disk, each downloaded once for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import cache_options as options
from lockgate.cli import cache_upkeep
from lockgate.cli.cache_drawing import draw_records, draw_status, record_value
from lockgate.cli.progress import size_text
from lockgate.cli.session import Session
from lockgate.errors import InUse, InvalidInput, NotFound

if TYPE_CHECKING:
    from lockgate.caching import OpenedCache
    from lockgate.domain.claims import ModelKey

app = typer.Typer(
    no_args_is_help=True, help="Models on this disk, each downloaded once for everybody."
)

WAIT_S_MAX = 6 * 3600.0


@app.command()
def ensure(
    ctx: typer.Context,
    reference: options.Wanted,
    ignore_weights: options.WithoutWeights = False,
    wait_s: Annotated[
        float, typer.Option("--wait-s", min=0, metavar="S", help="How long to wait at most.")
    ] = WAIT_S_MAX,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Print a folder with the verified files of a model; download them if nobody has."""
    from lockgate.cli.cache_progress import told_of
    from lockgate.coordination.cache import CacheLimits

    session = Session.of(ctx)
    with options.open_for(
        session, root, coordination, scope, CacheLimits(wait_s_max=wait_s)
    ) as opened:
        with told_of(session) as tell:
            path = opened.cache.ensure(reference, ignore_weights=ignore_weights, on_event=tell)
        counts = opened.cache.counts()
        found = {
            "reference": reference,
            "path": str(path),
            "hit": bool(counts.get("hits")),
            "bytes_fetched": counts.get("bytes_fetched", 0),
        }
    session.output.done(found, str(path))


@app.command("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N")] = 1000,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """List what the cluster knows, least recently used first."""
    session = Session.of(ctx)
    with options.open_for(session, root, coordination, scope) as opened:
        records = opened.backend.get_models_by_last_used(limit)
    value = {"items": [record_value(record) for record in records], "next_cursor": None}
    session.output.show(value, lambda: draw_records(session, records))


@app.command()
def status(
    ctx: typer.Context,
    reference: options.Named,
    ignore_weights: options.WithoutWeights = False,
    by_id: options.ById = False,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Say what the cluster knows of a model, and whether it is on this disk."""
    session = Session.of(ctx)
    with options.open_for(session, root, coordination, scope) as opened:
        key = _key(opened, reference, ignore_weights, by_id)
        record = opened.backend.get_model_record(key)
        copy = opened.cache.layout.find_copy(key)
    if record is None and copy is None:
        raise NotFound(detail=f"Nobody has asked for {key}, and it is not on this disk.")
    path = None if copy is None else str(copy.path)
    value = {
        "id": key.id,
        "record": None if record is None else record_value(record),
        "path": path,
        "bytes": None if copy is None else copy.bytes_total,
    }
    session.output.show(value, lambda: draw_status(session, key, record, path))


@app.command()
def touch(
    ctx: typer.Context,
    reference: options.Named,
    ignore_weights: options.WithoutWeights = False,
    by_id: options.ById = False,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Note a use of a model, so that others are evicted before it."""
    session = Session.of(ctx)
    with options.open_for(session, root, coordination, scope) as opened:
        key = _key(opened, reference, ignore_weights, by_id)
        if opened.backend.get_status(key) is None:
            raise NotFound(detail=f"Nobody has asked for {key}.")
        opened.backend.touch_model(key)
    session.output.done({"id": key.id, "touched": True}, f"{key} was used just now.")


@app.command()
def rm(
    ctx: typer.Context,
    reference: options.Named,
    ignore_weights: options.WithoutWeights = False,
    by_id: options.ById = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even while it is downloaded: its owner starts anew.")
    ] = False,
    root: options.Root = None,
    coordination: options.Coordination = None,
    scope: options.Scope = None,
) -> None:
    """Remove a model from this disk and from the record; never one that somebody reads."""
    session = Session.of(ctx)
    with options.open_for(session, root, coordination, scope) as opened:
        key = _key(opened, reference, ignore_weights, by_id)
        freed = _removed(opened, key, force)
    session.output.done(
        {"id": key.id, "bytes_freed": freed}, f"{key} is gone, {size_text(freed)} freed."
    )


# --- pieces ------------------------------------------------------------------------------------


def _key(opened: OpenedCache, reference: str, ignore_weights: bool, by_id: bool) -> ModelKey:
    if not by_id:
        return opened.cache.key_of(reference, ignore_weights=ignore_weights)
    found = [
        record.key
        for record in opened.backend.get_models_by_last_used()
        if record.key.id.startswith(reference.lower())
    ]
    if not found:
        raise NotFound(detail=f"No record has an id that begins with {reference!r}.")
    if len(found) > 1:
        raise InvalidInput(
            field="id", detail=f"{len(found)} records have ids that begin with {reference!r}"
        )
    return found[0]


def _removed(opened: OpenedCache, key: ModelKey, force: bool) -> int:
    """Remove files, then the record; return the bytes freed. Raises `InUse`, `NotFound`."""
    from lockgate.coordination.eviction import remove

    record = opened.backend.get_model_record(key)
    copies = [copy for copy in opened.cache.layout.list_copies() if copy.key == key]
    if record is None and not copies:
        raise NotFound(detail=f"Nobody has asked for {key}, and it is not on this disk.")
    if record is not None and record.status == "DOWNLOADING" and not force:
        raise InUse(kind="Model", name=str(key), detail="it is being downloaded; see --force")
    if not remove(opened.cache.layout, copies, opened.cache.limits.reader_lease_s):
        raise InUse(kind="Model", name=str(key), detail="somebody reads it")
    opened.backend.delete_model(key)
    return sum(copy.bytes_total for copy in copies)


for upkeep in (cache_upkeep.evict, cache_upkeep.stats, cache_upkeep.watch):
    app.command()(upkeep)
