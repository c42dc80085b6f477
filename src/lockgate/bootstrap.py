"""The composition root: settings → driver → store → `Registry`, or the ASGI app, or the client.

The only room, with `settings`, that knows which backend there is and that reads the environment.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.domain.access import Actor
from lockgate.errors import InvalidSetting
from lockgate.settings import Settings

if TYPE_CHECKING:
    from lockgate.keys import SigningKey
    from lockgate.registry import Registry
    from lockgate.sdk.client import Client
    from lockgate.storage.database import Clock, Driver
    from lockgate.storage.store import Store

URL_FORMS = "sqlite:///PATH, postgresql://…, memory:// or http(s)://…"


def connect(
    url: str | None = None,
    *,
    actor: str | None = None,
    project: str | None = None,
    settings: Settings | None = None,
) -> Registry | Client:
    """Return a registry: in this process for a database's URL, a client for a server's.

    ``url`` is ``sqlite:///lockgate.db``, ``memory://``, ``postgresql://…`` or ``http(s)://…``;
    left out, it is ``LOCKGATE_URL``. ``actor`` is who acts: the user of the operating system
    unless told. Raises `DatabaseUnavailable`, `SchemaOutdated`, `InvalidSetting`.
    """
    settings = settings or Settings.from_environ()
    url = url or settings.url
    who = acting(settings, actor)
    project = project or settings.project
    if url.startswith(("http://", "https://")):
        from lockgate.sdk.client import Client

        return Client(url, actor=who.name, project=project, timeout_s=settings.timeout_s)
    from lockgate.registry import Registry

    return Registry(open_store(url, settings), who, project, signer_of(settings))


def open_store(url: str, settings: Settings, clock: Clock | None = None) -> Store:
    """Return the store behind a database's URL, making the schema in an empty one."""
    from lockgate.storage.store import Store

    driver = open_driver(url, settings)
    try:
        if clock is None:
            return Store(driver, limits=settings.limits)
        return Store(driver, limits=settings.limits, clock=clock)
    except BaseException:
        driver.close()
        raise


def open_driver(url: str, settings: Settings) -> Driver:
    """Return the driver that ``url`` names. Raises `InvalidSetting` for one that it cannot."""
    if url.startswith("sqlite://"):
        from lockgate.storage.sqlite import SqliteDriver

        path = url.removeprefix("sqlite://").removeprefix("/")
        if not path or "?" in path:
            raise InvalidSetting(
                setting="database", detail=f"{url!r} names no file; write sqlite:///PATH"
            )
        return SqliteDriver(path, settings.busy_s)
    if url.startswith("memory://"):
        from lockgate.storage.sqlite import SqliteDriver

        return SqliteDriver(None, settings.busy_s)
    if url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        from lockgate.storage.postgres import PostgresDriver

        return PostgresDriver(url)
    raise InvalidSetting(setting="url", detail=f"{url!r} is none of {URL_FORMS}")


def acting(settings: Settings, actor: str | None = None) -> Actor:
    """Return who acts: ``actor``, or the setting, or the user of the operating system."""
    return Actor.named(actor or settings.actor or _system_user())


def signer_of(settings: Settings) -> Callable[[], SigningKey]:
    """Return what hands out the key for checkpoints, made at the first use where there is none.

    It lies at ``LOCKGATE_AUDIT_KEY``, else in the user's configuration folder.
    """

    def signer() -> SigningKey:
        from lockgate.keys import open_key

        return open_key(audit_key_path(settings))

    return signer


def audit_key_path(settings: Settings) -> Path:
    """Return where the signing key lies."""
    if settings.audit_key:
        return Path(settings.audit_key)
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "lockgate" / "audit.key"


def app_from(settings: Settings) -> Any:
    """Return the ASGI application on the database that the settings name."""
    from lockgate.http.app import build_app
    from lockgate.registry import Registry

    store = open_store(settings.database, settings)
    registry = Registry(store, acting(settings), settings.project, signer_of(settings))
    return build_app(registry, settings)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the password database, as in some containers
        return "unknown"
