"""``lockgate token``, ``login``, ``logout`` and ``whoami``: proving who one is."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lockgate.cli import options
from lockgate.cli.output import Column, moment_text
from lockgate.cli.session import Session
from lockgate.errors import InvalidSetting, NotFound

app = typer.Typer(help="Make, list and revoke tokens.", rich_markup_mode=None, no_args_is_help=True)

Projects = Annotated[
    list[str] | None,
    options.project_option("--in", "Good in this project only; may be repeated."),
]
Permissions = Annotated[
    list[str] | None,
    typer.Option(
        "--may", metavar="PERMISSION", help="Good for this only, as version.push; repeatable."
    ),
]
Oidc = Annotated[
    bool,
    typer.Option("--oidc", help="By the identity of the CI job that this runs in."),
]
Audience = Annotated[
    str | None,
    typer.Option(
        "--audience", metavar="URL", help="Whom the job's identity is for; --url, unless told."
    ),
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", metavar="NAME", help="Whose it is; for administrators."),
]


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What it is for.", show_default=False)
    ],
    owner: Owner = None,
    projects: Projects = None,
    permissions: Permissions = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="When it ends, such as 2027-01-01T00:00Z."),
    ] = None,
) -> None:
    """Make a token; it is shown this once. Without --in and --may it may what its owner may."""
    session = Session.of(ctx)
    made = session.registry.create_token(
        name, owner=owner, projects=projects, permissions=permissions, expires_at=expires
    )
    session.output.remark(
        f"Token {made.token.id} of {made.token.owner}. It is shown this once; who has it is "
        f"{made.token.owner}."
    )
    session.output.done(made, made.secret)


@app.command("list")
def list_(
    ctx: typer.Context,
    owner: Owner = None,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Those of everybody; for administrators.")
    ] = False,
) -> None:
    """List tokens: what each is for, and when it was last used."""
    session = Session.of(ctx)
    found = session.registry.list_tokens(owner=owner, everybody=everybody)

    def draw() -> None:
        columns = [Column(each) for each in ("Id", "Owner", "For", "State", "Expires", "Last used")]
        rows = [
            (
                each.id,
                each.owner,
                each.name,
                "revoked" if each.revoked_at else "good",
                moment_text(each.expires_at),
                moment_text(each.last_used_at),
            )
            for each in found
        ]
        session.output.table(columns, rows)

    session.output.show(found, draw)


@app.command()
def revoke(
    ctx: typer.Context,
    token: Annotated[
        str, typer.Argument(metavar="ID", help="As `token list` shows it.", show_default=False)
    ],
) -> None:
    """Revoke a token: it stops within a second, everywhere."""
    session = Session.of(ctx)
    done = session.registry.revoke_token(token)
    session.output.done(done, f"Token {done.id} of {done.owner} is revoked.")


def login(ctx: typer.Context, oidc: Oidc = False, audience: Audience = None) -> None:
    """Keep a token for a server (--url), read from standard input; it is tried first.

    It is never an argument: those can be seen by everybody on the machine. With --oidc it is what
    the server gives a CI job for its identity token, and is good for a few minutes.
    """
    from lockgate.bootstrap import connect
    from lockgate.credentials import keep_token

    session = Session.of(ctx)
    url = _server(session)
    if oidc:
        token = _exchanged(session, url, audience or url.rstrip("/"))
    elif sys.stdin.isatty():
        token = str(typer.prompt("Token", hide_input=True, err=True))
    else:
        token = sys.stdin.readline()
    token = token.strip()
    with connect(url, actor=session.actor, token=token, settings=session.settings) as client:
        who = client.whoami()
    if who.token is None:
        raise InvalidSetting(
            setting="url", detail=f"{url} has no access control: nobody needs to log in there"
        )
    path = keep_token(session.settings.credentials, url, token)
    session.output.done(who, f"Logged in to {url} as {who.actor}; the token is kept in {path}.")


def logout(ctx: typer.Context) -> None:
    """Forget the token that is kept for a server (--url). It stays good: revoke it, if need be."""
    from lockgate.credentials import forget_token

    session = Session.of(ctx)
    url = _server(session)
    if forget_token(session.settings.credentials, url) is None:
        raise NotFound(detail=f"No token is kept for {url}.")
    session.output.done({"url": url}, f"Logged out of {url}.")


def whoami(ctx: typer.Context) -> None:
    """Show who acts, by which token, and what they may."""
    session = Session.of(ctx)
    who = session.registry.whoami()

    def draw() -> None:
        everything = "everything, without asking" if not who.controlled else "everything: operator"
        shown = who.kind == "operator"
        session.output.card(
            [
                ("Actor", who.actor),
                ("Kind", who.kind),
                ("Token", who.token),
                ("Expires", moment_text(who.expires_at) or None),
                ("May", everything if shown else ", ".join(who.permissions) or None),
                *(
                    (f"In {project}", ", ".join(held))
                    for project, held in sorted(who.projects.items())
                ),
            ]
        )

    session.output.show(who, draw)


def _exchanged(session: Session, url: str, audience: str) -> str:
    import os

    from lockgate.sdk.identities import exchange_identity, job_identity

    settings = session.settings
    identity = settings.oidc_token or job_identity(audience, os.environ)
    return exchange_identity(url, identity, settings.timeout_s)


def _server(session: Session) -> str:
    from lockgate.storage.urls import redacted

    url = session.url or session.settings.url
    if not url.startswith(("http://", "https://")):
        raise InvalidSetting(
            setting="url", detail=f"{redacted(url)!r} is no server: --url https://… names one"
        )
    return url
