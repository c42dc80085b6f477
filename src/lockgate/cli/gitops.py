"""``lockgate gitops``: what references mean now, written into a git repository."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli.documents import write_text
from lockgate.cli.output import counted
from lockgate.cli.session import Session
from lockgate.domain.references import parse_reference
from lockgate.domain.yaml_text import yaml_text
from lockgate.errors import ArtifactNotFound, InvalidInput, Unavailable

if TYPE_CHECKING:
    from lockgate.domain.versions import ModelVersion

app = typer.Typer(
    help="Write what references mean into a git repository.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
FOLDER = "models"
GIT_S_MAX = 120
_UNSAFE = re.compile(r"[^\w.-]+")


@app.callback()
def gitops() -> None:
    """Write what references mean into a git repository."""


@app.command()
def sync(
    ctx: typer.Context,
    repository: Annotated[str, typer.Argument(metavar="FOLDER", help="A clone of the repository.")],
    references: Annotated[
        list[str],
        typer.Argument(metavar="REF…", help="Such as churn@production fraud@champion."),
    ],
    folder: Annotated[
        str, typer.Option("--folder", metavar="PATH", help="Where in the repository.")
    ] = FOLDER,
    push: Annotated[bool, typer.Option("--push", help="Push what was committed.")] = False,
) -> None:
    """Write the digest that each reference has now, a commit for each that has changed.

    Run it as often as you like: nothing changed is nothing committed.
    """
    session = Session.of(ctx)
    root = _root(repository)
    commits = []
    for reference in references:
        version = session.registry.resolve(_full(session, reference))
        if version.digest is None:
            raise ArtifactNotFound(reference=version.reference)
        path = _path(root, folder, _full(session, reference))
        text = yaml_text([_document(_full(session, reference), version)])
        if not path.is_file() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(str(path), text)
        commit = _commit(root, path, _message(_full(session, reference), version))
        if commit is not None:
            commits.append({"reference": _full(session, reference), **commit})
    if push:
        # Also what an earlier run has committed and could not push.
        _git(root, "push")
    told = [f"{each['commit'][:10]}  {each['message']}" for each in commits]
    session.output.done(
        {"commits": commits, "pushed": push},
        "\n".join(told) or f"{counted(len(references), 'reference')} as before; nothing committed.",
    )


def _full(session: Session, reference: str) -> str:
    return str(parse_reference(reference, session.named_project))


def _document(reference: str, version: ModelVersion) -> dict[str, Any]:
    """Return what is written: only what changes when the version does, never a time."""
    return {
        "reference": reference,
        "version": version.reference,
        "digest": version.digest,
        "pinned": f"{version.project}/{version.model}@{version.digest}",
    }


def _message(reference: str, version: ModelVersion) -> str:
    return f"{reference} is {version.label} ({(version.digest or '')[:19]})"


def _path(root: Path, folder: str, reference: str) -> Path:
    name, sign, selector = reference.partition("@")
    if not sign:
        name, _, selector = reference.partition(":")
    project, _, model = name.partition("/")
    file = "-".join(_UNSAFE.sub("_", part) for part in (model, selector) if part)
    path = (root / folder / project / f"{file}.yaml").resolve()
    if not path.is_relative_to(root):
        raise InvalidInput(detail=f"{folder!r} lies outside the repository", field="folder")
    return path


def _root(repository: str) -> Path:
    folder = Path(repository)
    if not folder.is_dir():
        raise InvalidInput(detail=f"{repository} is no folder", field="repository")
    return Path(_git(folder, "rev-parse", "--show-toplevel").strip()).resolve()


def _commit(root: Path, path: Path, message: str) -> dict[str, str] | None:
    """Commit one file and nothing else; return None if it is as it was committed."""
    name = str(path.relative_to(root))
    _git(root, "add", "--", name)
    if not _git(root, "status", "--porcelain", "--", name):
        return None
    _git(root, "commit", "--quiet", "-m", message, "--", name)
    return {"commit": _git(root, "rev-parse", "HEAD").strip(), "file": name, "message": message}


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # the words are ours
            ["git", *words],  # noqa: S607  # the user's own git
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_S_MAX,
            check=False,
        )
    except FileNotFoundError:
        raise Unavailable(detail="git is not installed, or not on the path") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(detail=f"git {words[0]} took longer than {GIT_S_MAX} s") from None
    if done.returncode != 0:
        said = json.dumps((done.stderr or done.stdout).strip()[-500:])
        raise InvalidInput(detail=f"git {words[0]} in {folder} said: {said}", field="repository")
    return done.stdout
