"""The composition root: settings → driver → store → `Registry`, or the ASGI app, or the client.

The only room, with `settings`, that knows which backend there is and that reads the environment.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.domain import names
from lockgate.domain.access import Actor
from lockgate.domain.addresses import AddressRules
from lockgate.domain.imports import ImportRules
from lockgate.errors import InvalidInput, InvalidSetting
from lockgate.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from lockgate.artifacts.pulling import PullProgress
    from lockgate.artifacts.sending import PushProgress
    from lockgate.artifacts.store import BlobStore
    from lockgate.domain.versions import ModelVersion
    from lockgate.keys import SigningKey
    from lockgate.registry import Registry
    from lockgate.sdk.client import Client
    from lockgate.services.deliverer import Deliverer
    from lockgate.services.depot import Depot
    from lockgate.services.issuers import Issuers
    from lockgate.services.watcher import Watcher
    from lockgate.storage.database import Clock, Driver
    from lockgate.storage.store import Store

ARTIFACTS = "lockgate.artifacts"
URL_FORMS = "sqlite:///PATH, postgresql://…, memory:// or http(s)://…"


def connect(
    url: str | None = None,
    *,
    actor: str | None = None,
    project: str | None = None,
    token: str | None = None,
    settings: Settings | None = None,
) -> Registry | Client:
    """Return a registry: in this process for a database's URL, a client for a server's.

    ``url`` is ``sqlite:///lockgate.db``, ``memory://``, ``postgresql://…`` or ``http(s)://…``;
    left out, it is ``LOCKGATE_URL``. ``actor`` is who acts: the user of the operating system
    unless told. ``token`` proves it, where there is access control: ``LOCKGATE_TOKEN`` or what
    `lockgate login` keeps for that server, unless told. A database that is opened without a token
    is worked on by its operator, who may everything. Raises `DatabaseUnavailable`,
    `SchemaOutdated`, `InvalidSetting`, `InvalidName`, `Unauthenticated`.
    """
    settings = settings or Settings.from_environ()
    url = url or settings.url
    who = acting(settings, actor)
    project = names.project_name(project or settings.project)
    if url.startswith(("http://", "https://")):
        from lockgate.credentials import token_for
        from lockgate.sdk.client import Client

        return Client(
            url,
            actor=who.name,
            token=token_for(url, settings, token),
            project=project,
            timeout_s=settings.timeout_s,
            cache=cache_folder(settings),
            imports=import_rules(settings),
        )
    from lockgate.registry import Registry

    registry = Registry(open_store(url, settings), who, project, signer_of(settings))
    secret = settings.token if token is None else token
    return _proved(registry, secret) if secret else registry


def _proved(registry: Registry, token: str) -> Registry:
    """Return a registry that may what the token may, once there is access control."""
    from lockgate.registry.desk import granted, store_of

    store = store_of(registry)
    try:
        if not store.grants.state.enabled:
            return registry
        return granted(registry, store.grants.load(token))
    except BaseException:
        registry.close()
        raise


def log_model(
    path: str | Path,
    name: str,
    version: str | int | None = None,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    description: str = "",
    stage: str | None = None,
    url: str | None = None,
    progress: Callable[[PushProgress], None] | None = None,
) -> ModelVersion:
    """Push a file or folder as a version of a model, and return that version, sealed.

    ``str()`` of it is its reference, such as ``default/churn:3``. ``url`` is as in `connect`.
    Pushing again sends only what lacks; see `Registry.push` for the rest.
    """
    with connect(url) as registry:
        return registry.push(
            path,
            name,
            version,
            metrics=metrics,
            params=params,
            tags=tags,
            metadata=metadata,
            run_id=run_id,
            description=description,
            stage=stage,
            progress=progress,
        )


def use_model(
    reference: str,
    *,
    stage: str | None = None,
    version: str | int | None = None,
    alias: str | None = None,
    at: datetime | str | None = None,
    key: str | int | None = None,
    url: str | None = None,
    progress: Callable[[PullProgress], None] | None = None,
) -> Path:
    """Return a folder on this machine with the files of a version, verified and read-only.

    ``reference`` is a whole one (``churn@production``), or a name with at most one of ``stage``,
    ``version`` and ``alias``; ``at`` asks what it meant at a moment in the past; ``key`` asks
    for a name's version by its split, always of the same arm for the same key. The folder lies in
    the user's cache and is shared: copy it before changing it. Raises `ArtifactNotFound`,
    `DigestMismatch`, what `resolve` raises.
    """
    from lockgate.artifacts.carrying import named_reference

    with connect(url) as registry:
        if key is not None:
            if (stage, version, alias, at) != (None,) * 4:
                raise InvalidInput(
                    detail="A key chooses the version by itself: leave stage, version, alias and "
                    "at out",
                    field="key",
                )
            return registry.use(registry.assign(reference, key).reference, progress=progress)
        wanted = named_reference(
            reference, registry.project, stage=stage, version=version, alias=alias
        )
        if at is not None:
            then = registry.resolve(wanted, at=at)
            wanted = then.reference
        return registry.use(wanted, progress=progress)


def open_store(url: str, settings: Settings, clock: Clock | None = None) -> Store:
    """Return the store behind a database's URL, making the schema in an empty one.

    The store of its files is opened when one is first needed.
    """
    from lockgate.domain.run_links import RunPages
    from lockgate.services.posting import Poster
    from lockgate.services.prometheus import Prometheus
    from lockgate.storage.store import Store

    pages = RunPages(mlflow=settings.mlflow_run_url, wandb=settings.wandb_run_url)
    driver = open_driver(url, settings)
    try:
        if clock is None:
            store = Store(driver, limits=settings.limits)
        else:
            store = Store(driver, limits=settings.limits, clock=clock)
    except BaseException:
        driver.close()
        raise
    store.depot = depot_of(url, settings, store)
    store.post = Poster(settings.webhook_hosts)
    store.prometheus = Prometheus(settings.prometheus_hosts)
    store.run_pages = pages
    return store


def issuers_of(settings: Settings) -> Issuers | None:
    """Return whose identity tokens are taken, or None. Raises `InvalidSetting`."""
    if not settings.oidc:
        return None
    import tomllib

    from lockgate.domain.identities import Trust
    from lockgate.services.issuers import Issuers

    path = Path(settings.oidc)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        login = document.get("login")
        file = login.get("client_secret_file") if isinstance(login, dict) else None
        secret = "" if file is None else (path.parent / str(file)).read_text("utf-8").strip()
        return Issuers(Trust.from_document(document, secret), settings.oidc_hosts)
    except OSError as error:
        detail = f"{error.filename} cannot be read: {error.strerror}"
        raise InvalidSetting(setting="oidc", detail=detail) from error
    except (ValueError, InvalidInput) as error:
        raise InvalidSetting(setting="oidc", detail=f"{path}: {error}") from error


def depot_of(database: str, settings: Settings, store: Store) -> Depot:
    """Return where the files of a database's registry are kept, not opened yet."""
    from lockgate.services.depot import Depot, DepotRules

    def open_blobs() -> BlobStore:
        from lockgate.artifacts.opening import open_store as open_blob_store
        from lockgate.services.ownership import require_own

        blobs = open_blob_store(settings.artifacts or _artifacts_beside(database))
        require_own(store, blobs, adopt=settings.artifacts_adopt)
        return blobs

    rules = DepotRules(
        gc_grace_s=settings.gc_grace_s,
        restore_days=settings.restore_days,
        trusted_keys=settings.trusted_keys,
        cache=cache_folder(settings),
        imports=import_rules(settings),
    )
    return Depot(open_blobs, rules)


def import_rules(settings: Settings) -> ImportRules:
    """Return what may be imported by URI. Raises `InvalidSetting`.

    The hub and its token are those of Hugging Face's own tools, HF_ENDPOINT and HF_TOKEN.
    """
    try:
        reach = AddressRules.parse(settings.import_hosts)
    except InvalidInput as error:
        raise InvalidSetting(setting="import_hosts", detail=str(error)) from None
    return ImportRules(
        roots=tuple(root for root in settings.import_roots.split(os.pathsep) if root),
        reach=reach,
        bytes_max=settings.import_bytes_max,
        wall_s=settings.import_s_max,
        hf_endpoint=os.environ.get("HF_ENDPOINT", ""),
        hf_token=os.environ.get("HF_TOKEN", ""),
    )


def cache_folder(settings: Settings) -> Path:
    """Return the user's own folder for what can be had again."""
    if settings.cache:
        return Path(settings.cache)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "lockgate"


def _artifacts_beside(database: str) -> str:
    from lockgate.storage.urls import MEMORY, sqlite_path

    if database.startswith(MEMORY):
        return MEMORY
    path = sqlite_path(database)
    return ARTIFACTS if path is None else str(Path(path).with_suffix(Path(ARTIFACTS).suffix))


def open_driver(url: str, settings: Settings) -> Driver:
    """Return the driver that ``url`` names. Raises `InvalidSetting` for one that it cannot."""
    from lockgate.storage.urls import MEMORY, conninfo_of, redacted, sqlite_path

    path = sqlite_path(url)
    if path is not None or url.startswith(MEMORY):
        from lockgate.storage.sqlite import SqliteDriver

        return SqliteDriver(path, settings.busy_s)
    conninfo = conninfo_of(url)
    if conninfo is not None:
        from lockgate.storage.postgres import PostgresDriver

        return PostgresDriver(conninfo)
    detail = f"{redacted(url)!r} is none of {URL_FORMS}"
    if re.fullmatch(r"[\w.-]+:\d+", url):
        detail += f"; did you mean http://{url}?"
    elif re.fullmatch(r"[\w./-]+\.(db|sqlite3?)", url):
        detail += f"; did you mean sqlite:///{url}?"
    raise InvalidSetting(setting="url", detail=detail)


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
    from lockgate.coordinators import coordination_of
    from lockgate.dialects import dialects_named
    from lockgate.http.app import build_app
    from lockgate.registry import Registry
    from lockgate.services.usage import Usage

    dialects = dialects_named(settings.dialects)
    store = open_store(settings.database, settings)
    registry = Registry(store, acting(settings), settings.project, signer_of(settings))
    try:
        store.issuers = issuers_of(settings)
        coordination = coordination_of(settings)
    except BaseException:
        registry.close()
        raise
    if coordination is not None:
        store.usage = Usage(coordination.get_models_by_last_used)
    return build_app(
        registry,
        settings,
        coordination=coordination,
        dialects=dialects,
        workers=[deliverer_of(store, settings), watcher_of(store, settings)],
    )


def deliverer_of(store: Store, settings: Settings) -> Deliverer:
    """Return what tells webhooks, not started yet."""
    from lockgate.services.deliverer import Deliverer, DeliveryRules
    from lockgate.services.posting import find_poster

    rules = DeliveryRules(
        poll_s=settings.events_poll_s,
        retry_s=settings.webhook_retry_s,
        keep_days=settings.webhook_keep_days,
    )
    return Deliverer(store, find_poster(store), rules)


def watcher_of(store: Store, settings: Settings) -> Watcher:
    """Return what looks at monitors, not started yet."""
    from lockgate.services.watcher import Watcher, WatchRules

    rules = WatchRules(
        every_s=settings.monitor_s,
        minutes_days=settings.observation_minutes_days,
        hours_days=settings.observation_hours_days,
        days_days=settings.observation_days_days,
    )
    return Watcher(store, rules)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the password database, as in some containers
        return "unknown"
