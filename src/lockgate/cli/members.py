"""``lockgate member``: who has which roles in a project."""

from __future__ import annotations

from typing import Annotated

import typer

from lockgate.cli.output import Column
from lockgate.cli.session import Session

app = typer.Typer(
    help="Give people roles in a project.", rich_markup_mode=None, no_args_is_help=True
)

Person = Annotated[
    str,
    typer.Argument(
        metavar="PERSON", help="A person, a service account or a team.", show_default=False
    ),
]


@app.command("set")
def set_(
    ctx: typer.Context,
    person: Person,
    roles: Annotated[
        list[str],
        typer.Argument(
            metavar="ROLE…",
            help="viewer, contributor, approver, maintainer, admin, or one of your own.",
            show_default=False,
        ),
    ],
) -> None:
    """Give a person these roles and no others; the first member must be an admin."""
    session = Session.of(ctx)
    done = session.registry.set_member(person, roles, project=session.project)
    session.output.done(done, f"{done.person} is {', '.join(done.roles)} in {done.project}.")


@app.command()
def remove(ctx: typer.Context, person: Person) -> None:
    """Take a person out of a project."""
    session = Session.of(ctx)
    session.registry.remove_member(person, project=session.project)
    session.output.done(
        {"removed": person}, f"{person} is no member of {session.named_project} any more."
    )


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the members of a project.

    Where there are none, everybody may everything, unless access control is on.
    """
    session = Session.of(ctx)
    found = session.registry.list_members(project=session.project)

    def draw() -> None:
        if not found:
            session.output.line(
                f"Project {session.named_project} has no members: while access control is off, "
                "everybody may everything in it; else only who has a role in the installation."
            )
            return
        rows = [(each.person, ", ".join(each.roles)) for each in found]
        session.output.table([Column("Person"), Column("Roles")], rows)

    session.output.show(found, draw)
