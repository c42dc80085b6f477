"""``lockgate push``, ``pull``, ``files``, ``diff``, ``card``, ``sign``, ``waive``: files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import documents, options
from lockgate.cli.output import Cell, Column, counted
from lockgate.cli.progress import size_text, transfer
from lockgate.cli.session import Session
from lockgate.cli.values import metadata_of, metrics_of, params_of, tags_of
from lockgate.cli.versions import new_version_named
from lockgate.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockgate.artifacts.advice import ScanAdvice
    from lockgate.artifacts.bundles import BundleSignature
    from lockgate.domain.differences import ManifestDiff
    from lockgate.domain.files import VersionFiles
    from lockgate.domain.versions import ModelVersion

_STYLES = {"data-only": "green", "code": "red", "unknown": "yellow"}
_SHORT = 12


class SignatureFormat(StrEnum):
    """In which format a signature is made."""

    lockgate = "lockgate"
    model_signing = "model-signing"


Key = Annotated[
    list[str] | None,
    typer.Option(
        "--verify-key",
        metavar="KEY",
        help="Refuse unless this key (name+id+base64, or its file) signed the files; repeatable.",
    ),
]


def push(
    ctx: typer.Context,
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="A file or a folder; left out with --from-uri."),
    ],
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME[:VERSION]",
            help="The model, and the version's label; without one the server counts.",
        ),
    ] = None,
    from_uri: Annotated[
        str | None,
        typer.Option(
            "--from-uri",
            metavar="URI",
            help="Instead of PATH: http(s)://…, hf://OWNER/NAME[@REVISION], s3://…, gs://… or "
            "file:///… below LOCKGATE_IMPORT_ROOTS; this program fetches it.",
        ),
    ] = None,
    metric: options.Metrics = None,
    param: options.Params = None,
    tag: options.Tags = None,
    metadata: options.Metadata = None,
    run_id: Annotated[str | None, typer.Option("--run-id", metavar="ID")] = None,
    description: options.Description = None,
    stage: Annotated[
        str | None,
        options.stage_option("--stage", "Where it begins, if the lifecycle lets."),
    ] = None,
    lifecycle: Annotated[
        str | None,
        typer.Option("--lifecycle", metavar="NAME", help="For a model that is new."),
    ] = None,
) -> None:
    """Make a file or folder the files of a version; only what lacks is sent."""
    session = Session.of(ctx)
    source, named = _source_and_name(path, reference, from_uri)
    name, label = new_version_named(session, named, None)
    with transfer(session, "push") as moved:
        send = session.registry.push if from_uri is None else session.registry.import_files
        made = send(
            source,
            name,
            label,
            metrics=metrics_of(metric or ()),
            params=params_of(param or ()),
            tags=tags_of(tag or ()),
            metadata=metadata_of(metadata),
            run_id=run_id,
            description=description or "",
            stage=stage,
            lifecycle=lifecycle,
            progress=moved.pushed,
        )
    session.output.done(made, f"{made.reference}  {made.digest}")
    session.output.remark(f"{size_text(moved.bytes_done)}; {moved.sentence}.")


def _source_and_name(first: str, second: str | None, from_uri: str | None) -> tuple[str, str]:
    if from_uri is None and second is not None:
        return first, second
    if from_uri is not None and second is None:
        return from_uri, first
    raise typer.BadParameter("give PATH NAME[:VERSION], or --from-uri URI NAME[:VERSION]")


def pull(
    ctx: typer.Context,
    reference: options.Reference,
    destination: Annotated[
        Path | None,
        typer.Argument(metavar="DEST", help="A folder that is not there yet [NAME-VERSION]."),
    ] = None,
    verify_key: Key = None,
) -> None:
    """Bring a version's files here, verified to the last byte."""
    session = Session.of(ctx)
    found = session.look_up(reference)
    folder = destination or Path(f"{found.model}-{found.label}")
    with transfer(session, "pull") as moved:
        session.registry.pull(
            found.reference, folder, verify_keys=verify_key or (), progress=moved.pulled
        )
    session.output.done(
        {"reference": found.reference, "digest": found.digest, "path": str(folder)}, str(folder)
    )
    session.output.remark(f"{size_text(moved.bytes_done)}; {moved.sentence}.")


def files(
    ctx: typer.Context,
    reference: options.Reference,
    scan: Annotated[
        bool,
        typer.Option(
            "--scan",
            help="Fetch what is not proved, and show what picklescan says: advice, for no gate.",
        ),
    ] = False,
) -> None:
    """List a version's files, and what each was proved to be."""
    from lockgate.wire.records import to_wire

    session = Session.of(ctx)
    found = session.registry.files(session.look_up(reference).reference)
    told = session.registry.scan_advice(found.reference) if scan else ()
    advice = {each.path: each for each in told}
    session.output.show(
        {**to_wire(found), "advice": to_wire(told)} if scan else found,
        lambda: _draw_files(session, found, advice),
    )


def diff(
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(metavar="REF", help="The older version.")],
    after: Annotated[str, typer.Argument(metavar="REF", help="The newer version.")],
    norm: Annotated[
        bool,
        typer.Option("--norm", help="Read the tensors that changed, and say how far each moved."),
    ] = False,
    all_: Annotated[bool, typer.Option("--all", help="Show what is the same too.")] = False,
) -> None:
    """Compare the files of two versions, tensor by tensor, without reading them."""
    session = Session.of(ctx)
    one, two = (session.look_up(each).reference for each in (before, after))
    found = session.registry.diff(one, two)
    moved = session.registry.tensor_moves(one, two) if norm else {}
    session.output.show(
        {"diff": _diff_values(found), "moves": moved},
        lambda: _draw_diff(session, found, moved, all_),
    )


def card(
    ctx: typer.Context,
    reference: options.Reference,
    generate: Annotated[
        bool,
        typer.Option("--generate", help="Write one from what is known, for people to go on with."),
    ] = False,
    set_: Annotated[
        str | None,
        typer.Option("--set", metavar="FILE", help="Make this text the version's description."),
    ] = None,
) -> None:
    """Print a version's model card: its MODEL_CARD.md or README.md, else its description.

    With --generate, one in Hugging Face's form: edit it, and push it with the files, or --set it.
    """
    session = Session.of(ctx)
    found = session.look_up(reference)
    if set_ is not None:
        if generate:
            raise InvalidInput(detail="give --generate or --set, not both", field="set")
        text = documents.read_text(set_)
        model = f"{found.project}/{found.model}"
        session.registry.update_version(model, found.label, description=text)
    elif generate:
        text = session.registry.generate_card(found.reference)
    else:
        text = session.registry.card(found.reference)
    session.output.show(
        {"reference": found.reference, "card": text}, lambda: _draw_card(session, found, text)
    )


def _draw_card(session: Session, version: ModelVersion, text: str) -> None:
    if text.strip():
        session.output.line(text.rstrip("\n"))
    else:
        session.output.remark(
            f"{version.reference} has no card: neither MODEL_CARD.md, README.md nor a description."
            "\n--generate writes one, --set takes one."
        )


def sign(
    ctx: typer.Context,
    reference: options.Reference,
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            metavar="FILE",
            help="See `lockgate audit keygen`; for model-signing a key in PEM.",
        ),
    ],
    format_: Annotated[
        SignatureFormat, typer.Option("--format", help="Ours, or that of OpenSSF.")
    ] = SignatureFormat.lockgate,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            metavar="FILE",
            help="Keep this model-signing signature, made elsewhere; --key is the public key.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the signature to a new file, too."),
    ] = None,
) -> None:
    """Sign a version's files: with an Ed25519 key or in the OpenSSF model-signing format."""
    session = Session.of(ctx)
    found = session.look_up(reference)
    if bundle is None:
        kept = session.registry.sign(found.reference, key, format=format_.value)
    else:
        kept = session.registry.add_signature(found.reference, _bundle(found, bundle, key))
    if out is not None:
        documents.write_text(str(out), kept.signature + "\n")
    from lockgate.domain.files import key_shown

    session.output.done(kept, f"{found.reference} is signed by {key_shown(kept.public_key)}.")


def _bundle(version: ModelVersion, bundle: Path, key: Path) -> BundleSignature:
    """Return the signature in a file, by the public key in another."""
    from lockgate.artifacts.bundles import BundleSignature
    from lockgate.errors import ArtifactNotFound
    from lockgate.keys import trusted_keys_of

    if version.digest is None:
        raise ArtifactNotFound(reference=version.reference)
    public = next(iter(trusted_keys_of(str(key))), "")
    return BundleSignature(version.digest, public, documents.read_text(str(bundle)))


def waive(
    ctx: typer.Context,
    reference: options.Reference,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A file of it, or '*' for all.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept on record.")],
) -> None:
    """Answer for a file that is not proved to be harmless data."""
    session = Session.of(ctx)
    found = session.look_up(reference)
    kept = session.registry.waive_scan(
        f"{found.project}/{found.model}", found.label, path, reason=reason
    )
    session.output.done(kept, f"{path} of {found.reference} is waived by {kept.by}.")


def _draw_files(session: Session, found: VersionFiles, advice: Mapping[str, ScanAdvice]) -> None:
    columns = [
        Column("File", whole=True),
        Column("Size", right=True),
        Column("SHA-256", whole=True),
        Column("Is"),
        Column("Why"),
        *([Column("picklescan says")] if advice else []),
    ]
    rows: list[tuple[Cell | str, ...]] = [
        (
            file.path,
            size_text(file.size),
            file.sha256[:_SHORT],
            Cell(file.verdict, _STYLES.get(file.verdict, "")),
            f"waived by {file.waived_by}" if file.waived_by else file.reason,
            *([_advice_text(advice.get(file.path))] if advice else []),
        )
        for file in found.files
    ]
    session.output.table(columns, rows)
    signed = f", {counted(len(found.signatures), 'signature')}" if found.signatures else ""
    session.output.remark(
        f"{found.reference} {found.digest}: {counted(len(found.files), 'file')}, "
        f"{size_text(found.size)}{signed}."
    )


def _advice_text(advice: ScanAdvice | None) -> str:
    if advice is None:
        return ""
    return "; ".join((*advice.findings, *filter(None, [advice.note]))) or "nothing"


def _draw_diff(
    session: Session, found: ManifestDiff, moved: dict[str, float], everything: bool
) -> None:
    rows: list[tuple[Cell | str, ...]] = []
    for file in found.files:
        if everything or file.kind != "same":
            sizes = [size_text(each.size) for each in (file.before, file.after) if each]
            change = " → ".join(sizes)
            rows.append((file.kind.value, file.path, "", change))
    for tensor in found.tensors:
        if everything or tensor.kind != "same":
            shapes = [
                f"{each.dtype}{list(each.shape)}"
                for each in (tensor.before, tensor.after)
                if each is not None
            ]
            how = " → ".join(dict.fromkeys(shapes))
            if tensor.name in moved:
                how += f", moved {moved[tensor.name]:.3g} of its norm"
            place = tensor.path_after or tensor.path_before or ""
            rows.append((tensor.kind.value, place, tensor.name, how))
    if rows:
        columns = [Column("Change", whole=True), Column("File"), Column("Tensor"), Column("What")]
        session.output.table(columns, rows)
    same = sum(tensor.kind == "same" for tensor in found.tensors)
    session.output.remark(
        f"{size_text(found.bytes_shared)} shared, {size_text(found.bytes_added)} new, "
        f"{size_text(found.bytes_removed)} gone; {counted(same, 'tensor')} the same."
    )


def _diff_values(found: ManifestDiff) -> dict[str, Any]:
    return {
        "files": [{"path": each.path, "change": each.kind.value} for each in found.files],
        "tensors": [
            {
                "name": each.name,
                "change": each.kind.value,
                "path_before": each.path_before,
                "path_after": each.path_after,
            }
            for each in found.tensors
        ],
        "bytes_shared": found.bytes_shared,
        "bytes_added": found.bytes_added,
        "bytes_removed": found.bytes_removed,
    }
