"""``lockgate bundle``: a version in one file, for another registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.progress import size_text
from lockgate.cli.session import Session
from lockgate.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.artifacts.portable import OpenBundle

app = typer.Typer(
    help="A version in one file, signed: take it out, verify it offline, bring it in elsewhere.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.", show_default=False)]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="KEY",
        help="A verifier key that may have signed it, or a file of them; may be repeated. "
        "[LOCKGATE_TRUSTED_KEYS]",
    ),
]


@app.command("export")
def export_(ctx: typer.Context, reference: options.Reference, file: File) -> None:
    """Write a version to one file: bytes, lineage, evidence and log proof, signed.

    Exporting again gives the same bytes, as long as nothing happens to the version.
    """
    session = Session.of(ctx)
    found = session.look_up(reference)
    session.registry.export_bundle(found.reference, file)
    size = file.stat().st_size
    session.output.show(
        {"reference": found.reference, "digest": found.digest, "file": str(file), "size": size},
        lambda: session.output.line(f"{found.reference} is in {file}, {size_text(size)}"),
    )


@app.command("import")
def import_(
    ctx: typer.Context,
    file: File,
    into: Annotated[
        str | None,
        options.project_option("--into", "The project it is to be in."),
    ] = None,
    trust: Trust = None,
) -> None:
    """Make a version of a bundle, once every byte of it is verified.

    It begins in the initial stage, and remembers where it comes from.
    """
    session = Session.of(ctx)
    project = into or session.named_project
    made = session.registry.import_bundle(file, _trusted(session, trust), into=project)
    session.output.show(
        made,
        lambda: session.output.line(
            f"{made.reference} [{made.stage}] is here, from {made.metadata['origin']['reference']}"
        ),
    )


@app.command()
def verify(ctx: typer.Context, file: File, trust: Trust = None) -> None:
    """Verify a bundle offline: signature, log proofs, every byte. No registry is asked."""
    from lockgate.artifacts.portable import open_bundle
    from lockgate.keys import trusted_keys_of

    session = Session.of(ctx)
    found = open_bundle(file, trusted_keys_of(",".join(_trusted(session, trust))))
    session.output.show(
        {
            "ok": True,
            **found.portable.origin,
            "size": found.size,
            "files": len(found.manifest.files),
        },
        lambda: _draw(session, found),
    )


def _trusted(session: Session, trust: list[str] | None) -> Sequence[str]:
    keys = trust or [each for each in session.settings.trusted_keys.split(",") if each.strip()]
    if not keys:
        raise InvalidInput(
            detail="say whose bundles you trust: --trust KEY, or LOCKGATE_TRUSTED_KEYS; the key "
            "is what `lockgate audit checkpoint` shows where the bundle comes from",
            field="trust",
        )
    return keys


def _draw(session: Session, found: OpenBundle) -> None:
    portable = found.portable
    version = portable.version
    events = len(portable.document["log"]["events"])
    session.output.card(
        [
            ("version", portable.reference),
            ("digest", portable.digest),
            ("stood in", str(version["stage"])),
            ("made by", f"{version['created_by']} at {version['created_at']}"),
            ("files", f"{len(found.manifest.files)}, {size_text(found.manifest.size)}"),
            ("events", f"{events}, proved to be in a log of {portable.log_size}"),
            ("signed by", str(portable.key)),
        ]
    )
