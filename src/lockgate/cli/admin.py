"""``lockgate serve`` and ``lockgate migrate``: run a server, bring a database up to date."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lockgate.cli.session import Session
from lockgate.errors import InvalidSetting, SchemaOutdated

if TYPE_CHECKING:
    import uvicorn

    from lockgate.settings import Settings

BACKLOG = 2_048

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///PATH or postgresql://… [LOCKGATE_DATABASE, else sqlite:///lockgate.db]",
    ),
]


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="[LOCKGATE_HOST, else 127.0.0.1]"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help="[LOCKGATE_PORT, else 8000]; 0 picks one"),
    ] = None,
    database: Database = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Listen beyond this machine, access control or not."),
    ] = False,
) -> None:
    """Serve the registry over HTTP, with its documentation at /docs."""
    session = Session.of(ctx)
    settings = database_settings(session, database)
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )
    if not _is_loopback(settings.host) and not _is_controlled(settings):
        _require_insecure(settings.host, insecure)
        session.output.warn(
            f"WARNING: {settings.host} can be reached from other machines, and access control is "
            "off: everybody who reaches this server may do everything, under any name. "
            "`lockgate admin init` switches it on."
        )
    _serve(session, settings)


def migrate(
    ctx: typer.Context,
    database: Database = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only say whether it is up to date (exit code 4 if not)."),
    ] = False,
) -> None:
    """Bring a database's schema to the revision that this Lockgate needs."""
    from lockgate.storage.urls import redacted

    session = Session.of(ctx)
    settings = database_settings(session, database)
    url = settings.database
    if check:
        revision = _require_current(url, settings)
        url = redacted(url)
        session.output.done(
            {"database": url, "from": revision, "to": revision},
            f"{url} is up to date, at revision {revision}.",
        )
        return
    from lockgate.storage.migrations.runner import upgrade

    before, after = upgrade(url)
    url = redacted(url)
    if before == after:
        sentence = f"{url} was up to date, at revision {after}."
    else:
        sentence = f"{url} went from revision {before or 'none'} to {after}."
    session.output.done({"database": url, "from": before, "to": after}, sentence)


def database_settings(session: Session, database: str | None) -> Settings:
    """Return the settings with the database that was named, by ``--database`` or ``--url``."""
    url = database or session.url
    settings = session.settings if url is None else replace(session.settings, database=url)
    if session.project is not None:
        settings = replace(settings, project=session.project)
    if session.actor is not None:
        settings = replace(settings, actor=session.actor)
    if settings.database.startswith(("http://", "https://")):
        from lockgate.storage.urls import redacted

        raise InvalidSetting(
            setting="database",
            detail=f"{redacted(settings.database)!r} is a server; a database is wanted here, "
            "such as sqlite:///lockgate.db",
        )
    return settings


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_controlled(settings: Settings) -> bool:
    """Say whether somebody has switched access control on in a database."""
    from lockgate.bootstrap import open_store

    store = open_store(settings.database, settings)
    try:
        return store.grants.state.enabled
    finally:
        store.close()


def _require_insecure(host: str, insecure: bool) -> None:
    if insecure:
        return
    raise InvalidSetting(
        setting="host",
        detail=f"{host!r} can be reached from other machines, and access control is off: this "
        "server would take everybody's word for who they are. Switch it on with `lockgate admin "
        "init`, serve on 127.0.0.1, or pass --insecure if everybody who can reach it may do "
        "everything.",
    )


def _require_current(url: str, settings: Settings) -> str:
    """Return the database's revision. Raises `SchemaOutdated` unless it is the newest."""
    from lockgate.bootstrap import open_driver
    from lockgate.storage.schema import HEAD, found_revision
    from lockgate.storage.urls import sqlite_path

    path = sqlite_path(url)
    if path is not None and not Path(path).exists():  # which to open would make
        raise SchemaOutdated(found="none", expected=HEAD, url=url)
    driver = open_driver(url, settings)
    try:
        with driver.reading() as connection:
            found = found_revision(connection, driver.dialect)
    finally:
        driver.close()
    if found != HEAD:
        raise SchemaOutdated(found=found or "none", expected=HEAD, url=driver.url)
    return found


def _serve(session: Session, settings: Settings) -> None:
    from lockgate import __version__
    from lockgate.http.memory import made_to_last, share_heaps
    from lockgate.storage.urls import redacted

    share_heaps()
    listening = _listen(settings.host, settings.port)
    with made_to_last():
        config = _configured(settings)
    host, port = listening.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    session.output.done(
        {"version": __version__, "url": address, "docs": f"{address}/docs"},
        f"Lockgate {__version__} serves {redacted(settings.database)} on {address}\n"
        f"Documentation: {address}/docs    Stop: Ctrl-C",
    )
    _server(config).run(sockets=[listening])


def _configured(settings: Settings) -> uvicorn.Config:
    """Return the application that the settings describe, and how it is served."""
    from lockgate.bootstrap import app_from
    from lockgate.http.connections import ConnectionLimits, server_config

    limits = ConnectionLimits(connections_max=settings.connections_max)
    config = server_config(app_from(settings), limits, settings.log_level)
    config.load()
    return config


def _server(config: uvicorn.Config) -> uvicorn.Server:
    """Return a server that ends its event streams before it waits for requests to end."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            config.app.state.streams.close()  # type: ignore[union-attr]  # it is ours
            await super().shutdown(sockets)

    return Server(config)


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that what is printed next is true."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise InvalidSetting(
            setting="port",
            detail=f"cannot listen on {host} port {port}: {str(error.strerror).split(' (')[0]}; "
            "--port names another",
        ) from None
