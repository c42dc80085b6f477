"""``lockgate project``: namespaces for models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lockgate.cli.output import Output
    from lockgate.domain.projects import Project

app = typer.Typer(
    help="Make, list and change projects.", rich_markup_mode=None, no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The project.", show_default=False)]
Lifecycle = Annotated[
    str | None,
    typer.Option("--lifecycle", metavar="NAME", help="What new models get unless told."),
]


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    description: options.Description = None,
    lifecycle: Lifecycle = None,
) -> None:
    """Make a project."""
    session = Session.of(ctx)
    project = session.registry.create_project(
        name, description=description or "", lifecycle=lifecycle or "standard"
    )
    session.output.done(
        project, f"Project {project.name} is there, with lifecycle {project.lifecycle}."
    )


@app.command("list")
def list_(
    ctx: typer.Context, limit: options.Limit = options.LIMIT, all_: options.All = False
) -> None:
    """List projects by name."""
    session = Session.of(ctx)

    def fetch(**page: Any) -> Any:
        return session.registry.list_projects(**page)

    projects = session.pages(fetch, limit, all_)
    session.output.show(projects.as_page(), lambda: _draw(session.output, projects))
    projects.remark_on_rest(session.output)


@app.command()
def show(ctx: typer.Context, name: Name) -> None:
    """Show all that is known of a project."""
    session = Session.of(ctx)
    project = session.registry.get_project(name)
    session.output.show(project, lambda: _draw_one(session.output, project))


@app.command()
def update(
    ctx: typer.Context,
    name: Name,
    description: options.Description = None,
    lifecycle: Lifecycle = None,
) -> None:
    """Change a project: what is not named stays as it is."""
    session = Session.of(ctx)
    project = session.registry.update_project(name, description=description, lifecycle=lifecycle)
    session.output.done(project, f"Project {project.name} is at revision {project.revision}.")


def _draw(output: Output, projects: Sequence[Project]) -> None:
    columns = [
        Column("Project"),
        Column("Lifecycle"),
        Column("Created (UTC)", whole=True),
        Column("By"),
        Column("Description"),
    ]
    rows = [
        (
            each.name,
            each.lifecycle,
            moment_text(each.created_at),
            each.created_by,
            each.description,
        )
        for each in projects
    ]
    output.table(columns, rows)


def _draw_one(output: Output, project: Project) -> None:
    output.card(
        [
            ("project", project.name),
            ("description", project.description),
            ("lifecycle", project.lifecycle),
            ("created", f"{moment_text(project.created_at)} UTC by {project.created_by}"),
            ("revision", str(project.revision)),
        ]
    )
