"""Webhooks: who is told of what, each telling on record, and when it is tried again.

pending ──2xx──▶ delivered
   │ └── anything else: again later, ever more seldom ──▶ failed, after `retry_s`
   └── a webhook that nothing has reached for `retry_s` is disabled; what is pending waits
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args
from urllib.parse import urlsplit

from lockgate.domain import names
from lockgate.domain.events import Interest
from lockgate.errors import InvalidInput

Form = Literal["standard", "slack", "mlflow", "openlineage"]
FORMS: tuple[str, ...] = get_args(Form)
WebhookStatus = Literal["active", "paused", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "failed", "skipped"]
DELIVERY_STATUSES: tuple[str, ...] = get_args(DeliveryStatus)

SECRET_PREFIX = "whsec_"  # noqa: S105  # what every secret begins with, not one of them
SECRET_BYTES = 32
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
SECRET_CHARS_MAX = 1_000
OLD_SECRET_S = 86_400
"""For how long a secret that was replaced still signs, beside the new one."""

URL_CHARS_MAX = 2_000
PAUSE_S = 5.0
PAUSE_MAX_S = 10_800.0
ATTEMPTS_KEPT = 20
ANSWER_CHARS_MAX = 1_000
GONE = 410


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address that is told of a project's events, in their order.

    ``seq`` is how far the log has been looked through for it. ``reason`` says why it is disabled.
    ``failing_since`` is the first failure that no success has followed.
    """

    uid: str
    project: str
    name: str
    description: str
    url: str
    form: Form
    models: tuple[str, ...]
    stages: tuple[str, ...]
    actions: tuple[str, ...]
    status: WebhookStatus
    reason: str
    seq: int
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        names.plain_text(self.name, "name", 250)
        names.plain_text(self.description, "description", 10_000)
        if self.form not in FORMS:
            raise InvalidInput(
                detail=f"The form of a webhook is {', '.join(FORMS)}, got {self.form!r:.60}",
                field="form",
            )
        require_url(self.url)
        self.interest  # noqa: B018  # raises what is wrong with it

    def may_be_told(self, now: datetime) -> bool:
        """Say whether it is active, and not resting after a failure."""
        return self.status == "active" and (self.retry_at is None or self.retry_at <= now)

    @property
    def interest(self) -> Interest:
        """Which events it is told of."""
        return Interest(models=self.models, stages=self.stages, actions=self.actions)


@dataclass(frozen=True, kw_only=True)
class WebhookSecret:
    """A webhook and the secret that signs what it is sent, shown this once."""

    webhook: Webhook
    secret: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request to a webhook, and what came back.

    ``status`` is None where nothing did; ``error`` then says why. ``answer`` is the beginning of
    the body.
    """

    at: datetime
    took_ms: int
    status: int | None = None
    answer: str = ""
    error: str = ""
    wait_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook; ``attempts`` are the latest, oldest first.

    ``uid`` is the id that every attempt carries, so that a receiver knows it again. ``seq`` is the
    event's number, 0 for a trial. ``body`` is what is sent.
    """

    uid: str
    webhook: str
    project: str
    seq: int
    model: str | None
    action: str
    status: DeliveryStatus
    created_at: datetime
    due_at: datetime
    attempt_count: int
    attempts: tuple[Attempt, ...] = ()
    url: str = ""
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What follows from an attempt: for the delivery, and for its webhook."""

    delivery: Delivery
    webhook: Webhook


def settle(
    webhook: Webhook,
    delivery: Delivery,
    attempt: Attempt,
    now: datetime,
    retry_s: float,
    jitter: float,
) -> Settled:
    """Decide what follows from an attempt. ``jitter`` is between 0 and 1."""
    attempts = (*delivery.attempts, attempt)[-ATTEMPTS_KEPT:]
    tried = replace(delivery, attempts=attempts, attempt_count=delivery.attempt_count + 1)
    if attempt.ok:
        well = replace(webhook, failures=0, failing_since=None, retry_at=None)
        return Settled(delivery=replace(tried, status="delivered"), webhook=well)
    failures = webhook.failures + 1
    since = webhook.failing_since or now
    rest_s = max(pause_s(failures, jitter), min(attempt.wait_s, PAUSE_MAX_S))
    ill = replace(
        webhook, failures=failures, failing_since=since, retry_at=now + timedelta(seconds=rest_s)
    )
    wait_s = max(pause_s(tried.attempt_count, jitter), min(attempt.wait_s, PAUSE_MAX_S))
    later = replace(tried, due_at=now + timedelta(seconds=wait_s))
    patience = timedelta(seconds=retry_s)
    if attempt.status == GONE:
        return Settled(delivery=later, webhook=_disabled(ill, "its address answered 410 Gone"))
    if now - since >= patience:
        why = f"nothing has reached it since {since:%Y-%m-%d %H:%M} UTC"
        return Settled(delivery=later, webhook=_disabled(ill, why))
    if now - delivery.created_at >= patience and failures < tried.attempt_count:
        # Others have arrived meanwhile: it is this one that the receiver does not take.
        return Settled(delivery=replace(later, status="failed"), webhook=ill)
    return Settled(delivery=later, webhook=ill)


def _disabled(webhook: Webhook, reason: str) -> Webhook:
    return replace(webhook, status="disabled", reason=reason)


def pause_s(failures: int, jitter: float) -> float:
    """Return how long to wait after so many failures: twice as long each time, up to 3 hours."""
    longest = min(PAUSE_MAX_S, PAUSE_S * 2.0 ** min(failures - 1, 30))
    return longest * (0.5 + jitter / 2)


def require_url(url: str) -> None:
    """Raise `InvalidInput` unless ``url`` is an address that a webhook can have."""
    names.plain_text(url, "url", URL_CHARS_MAX)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, 0
    sound = url.isprintable() and " " not in url and port != 0
    if not sound or not host or parts.scheme not in ("http", "https"):
        raise InvalidInput(
            detail=f"A webhook's url is http(s)://host[:port]/path, got {url[:60]!r}", field="url"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            detail="A webhook's url carries no name and password; what is sent is signed instead",
            field="url",
        )


def secret_bytes(secret: str) -> bytes:
    """Return the key of a ``whsec_…`` secret. Raises `InvalidInput` for what is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise InvalidInput(
            detail=f"A secret is {SECRET_PREFIX} and the base64 of {SECRET_BYTES_MIN} to "
            f"{SECRET_BYTES_MAX} random bytes; leave it out and one is made",
            field="secret",
        )
    return key


def known_secret(form: str, secret: str) -> str:
    """Return a secret that a form can sign with. Raises `InvalidInput`.

    An empty one leaves what MLflow's form sends unsigned, as MLflow does.
    """
    names.plain_text(secret, "secret", SECRET_CHARS_MAX)
    if form == "standard":
        secret_bytes(secret)
    return secret
