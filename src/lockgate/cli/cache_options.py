"""What several commands of the cache take, and the cache that they open with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.caching import OpenedCache
    from lockgate.coordination.cache import CacheLimits

Wanted = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="churn@production, hf://ORG/NAME@REVISION, s3://…, gs://…, https://…, file:///…",
        show_default=False,
    ),
]
Named = Annotated[
    str,
    typer.Argument(
        metavar="REF", help="As for ensure; with --id, an id from the list.", show_default=False
    ),
]
ById = Annotated[bool, typer.Option("--id", help="REF is an id, or the beginning of one.")]
WithoutWeights = Annotated[
    bool, typer.Option("--ignore-weights", help="Leave the weights out: a model of its own.")
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="FOLDER", help="Where models lie [LOCKGATE_CACHE_ROOT, else your own]"
    ),
]
Coordination = Annotated[
    str | None,
    typer.Option(
        "--coordination",
        metavar="URL",
        help="Through what all agree: sqlite:///FILE, postgresql://…, redis://…, "
        "kubernetes://NAMESPACE, http(s)://…, registry [LOCKGATE_COORDINATION]",
    ),
]
Scope = Annotated[
    str | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="cluster: all share the folder; node: each machine has its own "
        "[LOCKGATE_CACHE_SCOPE, else cluster]",
    ),
]
UnusedS = Annotated[
    float | None,
    typer.Option("--unused-s", min=0, metavar="S", help="Evict what nobody used for longer."),
]
ModelsMax = Annotated[
    int | None, typer.Option("--models-max", min=0, metavar="N", help="Keep the N latest used.")
]
BytesFree = Annotated[
    int | None,
    typer.Option("--bytes-free-min", min=0, metavar="N", help="Keep N bytes of the disk free."),
]


@contextmanager
def open_for(
    session: Session,
    root: Path | None,
    coordination: str | None,
    scope: str | None,
    limits: CacheLimits | None = None,
) -> Iterator[OpenedCache]:
    """Yield the cache that options and settings name, and close it."""
    from lockgate.caching import CachePlan

    settings = replace(
        session.settings,
        project=session.named_project,
        actor=session.actor or session.settings.actor,
    )
    plan = CachePlan.of(settings, root, coordination, scope, url=session.url)
    with plan.opened(limits) as opened:
        yield opened
