"""``lockgate verify`` and ``lockgate gc``: is everything there, and what need not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli.exits import CORRUPT
from lockgate.cli.output import Column, counted
from lockgate.cli.progress import size_text
from lockgate.cli.session import Session
from lockgate.errors import InvalidInput

if TYPE_CHECKING:
    from lockgate.domain.files import Collected, Verified


def verify(
    ctx: typer.Context,
    reference: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="The version; or --all.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every version there is.")] = False,
) -> None:
    """Read stored files back and hash them (exit code 6 when something is wrong).

    What is damaged is set aside; pushing the same files again repairs it.
    """
    session = Session.of(ctx)
    if (reference is None) != all_:
        raise InvalidInput(detail="name a version, or give --all", field="reference")
    wanted = None if reference is None else session.look_up(reference).reference
    found = session.registry.verify_artifacts(wanted)
    session.output.show(found, lambda: _draw_faults(session, found))
    if not found.ok:
        raise typer.Exit(CORRUPT)


def gc(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say exactly what would go.")
    ] = False,
) -> None:
    """Delete stored files that no version needs any more.

    Deleted versions keep theirs for LOCKGATE_RESTORE_DAYS; nothing younger than
    LOCKGATE_GC_GRACE_S goes.
    """
    session = Session.of(ctx)
    found = session.registry.gc(dry_run=dry_run)
    session.output.show(found, lambda: _draw_collected(session, found))


def _draw_faults(session: Session, found: Verified) -> None:
    if found.faults:
        columns = [
            Column("Version"),
            Column("File"),
            Column("Chunk", right=True),
            Column("Fault"),
            Column("Digest", whole=True),
        ]
        rows = [
            (
                fault.reference,
                fault.path,
                "" if fault.chunk is None else str(fault.chunk),
                fault.kind,
                fault.digest,
            )
            for fault in found.faults
        ]
        session.output.table(columns, rows)
        session.output.remark("Push the same files again to repair what is missing or damaged.")
    else:
        session.output.line(
            f"{counted(found.versions, 'version')} whole, {size_text(found.bytes_read)} read."
        )


def _draw_collected(session: Session, found: Collected) -> None:
    for version in found.versions:
        session.output.line(f"version   {version}")
    for version in found.in_use:
        session.output.line(f"in use    {version}, deleted but still deployed")
    for item in found.leftovers if found.dry_run else ():
        session.output.line(f"{item.kind:<8}  {item.size:>12}  {item.name}")
    verb = "would go" if found.dry_run else "went"
    session.output.line(
        f"{counted(found.count, 'item')}, {found.bytes_freed} bytes {verb}; "
        f"{size_text(found.live_bytes)} are needed, {size_text(found.young_bytes)} too young."
    )
