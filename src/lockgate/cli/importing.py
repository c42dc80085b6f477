"""``lockgate import mlflow``: bring over a registry that is there already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli import options
from lockgate.cli.exits import REFUSED
from lockgate.cli.output import Column, counted
from lockgate.cli.progress import size_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from lockgate.dialects.mlflow.importing import Imported

app = typer.Typer(
    help="Bring over a registry of another kind.", rich_markup_mode=None, no_args_is_help=True
)


@app.command()
def mlflow(
    ctx: typer.Context,
    uri: Annotated[
        str,
        typer.Argument(
            metavar="URI",
            help="http(s)://host of an MLflow server, sqlite:///mlflow.db, or a folder (mlruns).",
        ),
    ],
    into: Annotated[
        str | None,
        options.project_option("--into", "Where it goes; made if it is not there."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be brought.")
    ] = False,
) -> None:
    """Bring models, versions, stages, aliases, tags and files from MLflow.

    What is there already is left alone: run it again to go on, or to bring what is new. Exit
    code 1 when something could not be brought; the report says what, and why.
    """
    from lockgate.dialects.mlflow.foreign import ForeignRegistry
    from lockgate.dialects.mlflow.importing import import_registry
    from lockgate.errors import ProjectNotFound

    session = Session.of(ctx)
    foreign = ForeignRegistry(uri)
    project = into or session.named_project
    try:
        session.registry.get_project(project)
    except ProjectNotFound:
        if into is None or dry_run:
            raise
        session.registry.create_project(project, lifecycle="open")
    with _told(session) as told:
        done = import_registry(foreign, session.registry, project, dry_run=dry_run, told=told)
    session.output.show(done, lambda: _draw(session, done))
    if done.unbrought:
        raise typer.Exit(REFUSED)


@contextmanager
def _told(session: Session) -> Iterator[Callable[[str, int, int], None]]:
    """Yield what an import tells its progress to: a bar on a terminal, nothing in a pipe."""
    if session.output.as_json or not sys.stderr.isatty():
        yield lambda _what, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, no_color=None if session.output.colour else True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading …", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )


def _draw(session: Session, done: Imported) -> None:
    output = session.output
    would = "Would bring" if done.dry_run else "Brought"
    output.line(
        f"{would} {counted(len(done.models), 'model')}, {counted(len(done.versions), 'version')} "
        f"and {len(done.aliases)} alias{'' if len(done.aliases) == 1 else 'es'} into {done.project}"
        + (f", {size_text(done.bytes_brought)} of files." if done.bytes_brought else ".")
    )
    if done.there_already:
        output.line(f"{counted(done.there_already, 'version')} there already.")
    if done.unbrought:
        columns = [Column("Not brought"), Column("Why", whole=True)]
        output.table(columns, [[each.subject, each.reason] for each in done.unbrought])
