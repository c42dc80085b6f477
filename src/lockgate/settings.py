"""Settings: read from the environment once, frozen, every limit with its unit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from lockgate.domain.names import Limits
from lockgate.errors import InvalidSetting

PREFIX = "LOCKGATE_"
_FLAGS = {"0": False, "1": True, "false": False, "true": True}
PORT_MAX = 65_535


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a deployment decides. ``LOCKGATE_DATABASE`` sets ``database``, and so on.

    Limits on names and sizes are set the same way: ``LOCKGATE_LABEL_CHARS_MAX=80``.
    """

    url: str = "sqlite:///lockgate.db"
    """Where `lockgate.connect()` and the command line go: a database or a server's URL."""
    database: str = "sqlite:///lockgate.db"
    """The database that `lockgate serve` works on."""
    project: str = "default"
    """The project of names that are written without one."""
    actor: str = ""
    """Who acts when nobody says; empty means the user of the operating system."""
    token: str = field(default="", repr=False)
    """The token that proves who acts; empty means the one that `lockgate login` keeps, if any."""
    audit_key: str = ""
    """The file of the key that checkpoints are signed with; empty means the user's own."""
    artifacts: str = ""
    """Where files are kept: a folder, ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``memory://``.

    Empty means beside an SQLite file (``lockgate.db`` → ``lockgate.artifacts``), in memory for a
    database in memory, else ``lockgate.artifacts`` in the current folder. One store belongs to one
    database, which is written down in it: another is refused.
    """
    artifacts_adopt: bool = False
    """Whether to take over a store of files that belongs to another database. Set it once, when
    this database has taken the other's place."""
    cache: str = ""
    """The folder of the user's own for verified files and hashes; empty means the usual place."""
    gc_grace_s: float = 86_400.0
    """How old something unused in the artifact store must be before `lockgate gc` takes it."""
    restore_days: int = 30
    """For how many days a deleted version keeps its files, so that it can be restored."""
    trusted_keys: str = ""
    """Verifier keys whose signatures count (``name+id+base64``), or files of them; with commas.

    A file may also be a public key on an elliptic curve in PEM, for signatures of model-signing.
    """
    import_roots: str = ""
    """Folders that ``--from-uri file:///…`` may take from (``/a:/b``); empty is none."""
    import_hosts: str = ""
    """Hosts that imports may reach although they are not public, with commas.

    A name, ``name:port``, an address or a network; ``*`` for any, and through proxies.
    """
    import_bytes_max: int = 1_000_000_000_000
    """The most that one import may fetch."""
    import_s_max: float = 14_400.0
    """How long one import may take."""
    host: str = "127.0.0.1"
    """The address that `lockgate serve` listens on."""
    port: int = 8000
    """The port that `lockgate serve` listens on."""
    allowed_hosts: str = ""
    """Names, with commas between, that the server answers to in ``Host``; ``*`` for any.

    Empty means its own names on a loopback address, any elsewhere.
    """
    dialects: str = "mlflow,huggingface,wanllmdb,day22,prometheus"
    """Which clients of other systems the server understands, with commas; empty for none."""
    connections_max: int = 2_000
    """How many connections the server holds at once."""
    busy_s: float = 30.0
    """How long a writer waits for others on SQLite."""
    body_bytes_max: int = 4_000_000
    """The largest request body that the API takes, uploads of files apart."""
    silence_s: float = 20.0
    """For how long a request's body may stand still."""
    timeout_s: float = 30.0
    """How long the client waits for an answer."""
    token_rate_per_s_max: float = 0.0
    """How many requests a second a token may make of one worker, with bursts; 0 is no limit."""
    exchange_rate_per_s_max: float = 10.0
    """How many identity tokens an address may bring to one worker in a second, with bursts."""
    failed_login_delay_s_max: float = 3.0
    """How long the answer to a failed login waits at most, after many from one address."""
    credentials: str = ""
    """The file that `lockgate login` keeps tokens in; empty means one of the user's own."""
    oidc: str = ""
    """The TOML file that says whose identity tokens are taken, and for what; empty is nobody's."""
    oidc_token: str = field(default="", repr=False)
    """A CI job's identity token, for `lockgate login --oidc`; on GitHub it is asked for."""
    oidc_hosts: str = ""
    """Hosts of issuers that are not on the public internet, with commas."""
    trusted_proxies: str = ""
    """Addresses and networks of reverse proxies, with commas, whose word is taken for where a
    request came from (``X-Forwarded-For``) and by what scheme (``X-Forwarded-Proto``)."""
    settle_s: float = 30.0
    """How often the server looks for promotion requests that only time kept waiting."""
    event_streams_max: int = 200
    """How many event streams the server keeps open at once."""
    events_poll_s: float = 0.5
    """How often the server looks for events that other processes have committed."""
    webhook_hosts: str = ""
    """Hosts that are not on the public internet and that webhooks may reach, with commas."""
    webhook_retry_s: float = 259_200.0
    """For how long a delivery is tried again, and a webhook that fails is kept active."""
    webhook_keep_days: int = 7
    """For how many days a delivery that is over stays in the delivery log."""
    mlflow_run_url: str = ""
    """The page of an MLflow run: a URL with ``{run}``, and ``{experiment}`` if it needs that."""
    wandb_run_url: str = "https://wandb.ai/{entity}/{project}/runs/{run}"
    """The page of a run of Weights & Biases: ``{entity}``, ``{project}`` and ``{run}`` in a URL."""
    monitor_s: float = 30.0
    """How often the server looks at the monitors."""
    prometheus_hosts: str = ""
    """Hosts of Prometheus servers that metrics may be read from although they are not public, with
    commas: a name, ``name:port``, an address or a network."""
    observation_minutes_days: int = 7
    """For how many days observations are kept by the minute."""
    observation_hours_days: int = 90
    """For how many days observations are kept by the hour."""
    observation_days_days: int = 730
    """For how many days observations are kept by the day."""
    coordination: str = ""
    """Through what the users of a cache folder agree on who downloads a model for all.

    ``memory://``, ``sqlite:///FILE``, ``postgresql://…``, ``redis://…``, ``kubernetes://NAMESPACE``,
    a server's URL, or ``registry`` for the registry's own database or server. Empty means a file of
    the user's own, for the processes of one machine; a server then coordinates nothing.
    """
    cache_root: str = ""
    """The folder that `lockgate cache` keeps models in; empty means one of the user's own."""
    cache_scope: str = "cluster"
    """Whether all share that folder (``cluster``), or each machine has its own (``node``)."""
    cache_node: str = ""
    """What this machine is called in the records of scope ``node``; empty means its host name."""
    cache_unused_s_max: float = 0.0
    """For how long nobody may use a model in the cache before it is evicted; 0 is no limit."""
    cache_models_max: int = 0
    """How many models the cache keeps, the latest used; 0 is no limit."""
    cache_bytes_free_min: int = 0
    """How many bytes eviction keeps free on the cache's disk; 0 is no limit."""
    cache_watch_s: float = 60.0
    """How often `lockgate cache watch` looks for what is to be evicted."""
    log_level: str = "warning"
    """What the server writes to its log: debug, info, warning or error."""
    debug: bool = False
    """Whether the command line shows the traceback of a bug."""
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of an environment.

        Raises `InvalidSetting` naming the variable. Unknown ``LOCKGATE_`` variables are refused,
        unless they end in what other tools own (``LOCKGATE_TEST_…``).
        """
        source = os.environ if environ is None else environ
        given = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in source.items()
            if key.startswith(PREFIX) and not key.startswith(f"{PREFIX}TEST_")
        }
        own = {each.name: each for each in fields(cls) if each.name != "limits"}
        limits = {each.name: each for each in fields(Limits)}
        chosen: dict[str, Any] = {}
        limited: dict[str, int] = {}
        for name, text in given.items():
            if name in own:
                default = own[name].default
                chosen[name] = _converted(name, text, type(default), none=default == 0)
            elif name in limits:
                limited[name] = _converted(name, text, int)
            else:
                raise InvalidSetting(
                    setting=f"{PREFIX}{name.upper()}",
                    detail="there is no such setting; see the reference of settings",
                )
        return cls(**chosen, limits=Limits(**limited))


def _converted(name: str, text: str, kind: type, none: bool = False) -> Any:
    """Return the value of a text; with ``none``, zero is one and means no limit."""
    setting = f"{PREFIX}{name.upper()}"
    if kind is str:
        return text
    if kind is bool:
        if text not in _FLAGS:
            raise InvalidSetting(setting=setting, detail=f"0 or 1, not {text!r}")
        return _FLAGS[text]
    try:
        value = kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise InvalidSetting(setting=setting, detail=f"{wanted}, not {text!r}") from None
    if name == "port":
        if not 0 <= value <= PORT_MAX:
            raise InvalidSetting(setting=setting, detail=f"from 0 to {PORT_MAX}, not {text!r}")
    elif none and value == 0:
        return value
    elif not 0 < value < float("inf"):
        raise InvalidSetting(setting=setting, detail=f"it must be more than zero, not {text!r}")
    return value
