"""``lockgate admin``, ``account``, ``team`` and ``role``: who there is, and what they may."""

from __future__ import annotations

from typing import Annotated

import typer

from lockgate.cli.admin import Database, database_settings
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session

admin = typer.Typer(help="Switch access control on.", rich_markup_mode=None, no_args_is_help=True)
account = typer.Typer(
    help="People and service accounts.", rich_markup_mode=None, no_args_is_help=True
)
team = typer.Typer(help="Teams of accounts.", rich_markup_mode=None, no_args_is_help=True)
role = typer.Typer(help="Roles: sets of permissions.", rich_markup_mode=None, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", metavar="ROLE", help="A role in the whole installation; may be repeated."
    ),
]


@admin.command()
def init(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The administrator [you]", show_default=False),
    ] = None,
    database: Database = None,
) -> None:
    """Switch access control on: make the first administrator, and show their token once.

    Works on the database itself. From then on every server on it asks for a token, within a
    second; there is no way to do this over HTTP.
    """
    from lockgate.bootstrap import acting, open_store
    from lockgate.services.tokens import make_first_administrator
    from lockgate.storage.store import Caller

    session = Session.of(ctx)
    settings = database_settings(session, database)
    who = acting(settings, session.actor)
    store = open_store(settings.database, settings)
    try:
        made = make_first_administrator(store, Caller(actor=who), name or who.name)
    finally:
        store.close()
    session.output.remark(
        f"Access control is on. {made.token.owner} is its first administrator, by this token, "
        "which is shown this once:"
    )
    session.output.done(made, made.secret)


# --- accounts ----------------------------------------------------------------------------------


@account.command("set")
def set_account(
    ctx: typer.Context,
    name: Name,
    service: Annotated[
        bool, typer.Option("--service", help="A program's account, not a person's.")
    ] = False,
    roles: Roles = None,
) -> None:
    """Add a person or a service account, or give one these roles in the installation."""
    session = Session.of(ctx)
    kind = "service" if service else None
    done = session.registry.set_account(name, kind, roles=roles or ())
    held = ", ".join(done.roles) or "no roles in the installation"
    session.output.done(done, f"{done.name} ({done.kind}) has {held}.")


@account.command("disable")
def disable_account(ctx: typer.Context, name: Name) -> None:
    """Disable an account, and revoke its tokens. What it did stays on record."""
    session = Session.of(ctx)
    done = session.registry.disable_account(name)
    session.output.done(done, f"{done.name} is disabled, and so are its tokens.")


@account.command("list")
def list_accounts(ctx: typer.Context) -> None:
    """List people and service accounts by name."""
    session = Session.of(ctx)
    found = session.registry.list_accounts()

    def draw() -> None:
        columns = [Column(each) for each in ("Name", "Kind", "Roles everywhere", "Disabled")]
        rows = [
            (each.name, each.kind, ", ".join(each.roles), moment_text(each.disabled_at))
            for each in found
        ]
        session.output.table(columns, rows)

    session.output.show(found, draw)


# --- teams -------------------------------------------------------------------------------------


@team.command("set")
def set_team(
    ctx: typer.Context,
    name: Name,
    members: Annotated[
        list[str] | None,
        typer.Argument(metavar="MEMBER…", help="Accounts by name.", show_default=False),
    ] = None,
    roles: Roles = None,
) -> None:
    """Make a team, or give one these members and no others."""
    session = Session.of(ctx)
    done = session.registry.set_team(name, members or [], roles=roles or ())
    session.output.done(done, f"Team {done.name}: {', '.join(done.members) or 'nobody'}.")


@team.command("remove")
def remove_team(ctx: typer.Context, name: Name) -> None:
    """Take a team away, once it is a member of no project."""
    session = Session.of(ctx)
    session.registry.remove_team(name)
    session.output.done({"removed": name}, f"There is no team {name} any more.")


@team.command("list")
def list_teams(ctx: typer.Context) -> None:
    """List teams by name."""
    session = Session.of(ctx)
    found = session.registry.list_teams()

    def draw() -> None:
        rows = [(each.name, ", ".join(each.members), ", ".join(each.roles)) for each in found]
        session.output.table(
            [Column("Team"), Column("Members", whole=True), Column("Roles everywhere")], rows
        )

    session.output.show(found, draw)


# --- roles -------------------------------------------------------------------------------------


@role.command("set")
def set_role(
    ctx: typer.Context,
    name: Name,
    permissions: Annotated[
        list[str],
        typer.Argument(
            metavar="PERMISSION…",
            help="As version.register; `role list` shows them.",
            show_default=False,
        ),
    ],
    description: Annotated[str, typer.Option("--description", metavar="TEXT")] = "",
) -> None:
    """Make a role of one's own, or change one."""
    session = Session.of(ctx)
    done = session.registry.set_role(name, permissions, description=description)
    session.output.done(done, f"Role {done.name}: {', '.join(done.permissions)}.")


@role.command("remove")
def remove_role(ctx: typer.Context, name: Name) -> None:
    """Take a role of one's own away; whoever has it loses what it gave."""
    session = Session.of(ctx)
    session.registry.remove_role(name)
    session.output.done({"removed": name}, f"There is no role {name} any more.")


@role.command("list")
def list_roles(ctx: typer.Context) -> None:
    """List roles and what each gives in a project."""
    session = Session.of(ctx)
    found = session.registry.list_roles()

    def draw() -> None:
        rows = [(each.name, ", ".join(each.permissions)) for each in found]
        session.output.table([Column("Role"), Column("Permissions", whole=True)], rows)

    session.output.show(found, draw)
