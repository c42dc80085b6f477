"""Coordination through a Kubernetes API server: one `ModelCacheEntry` object for each record.

    POST   …/modelcacheentries                 201 for the one who claims, 409 for the others
    PATCH  …/modelcacheentries/NAME/status     JSON patch; its ``test`` of the resource version
                                               fails (422, or 409) if anybody wrote in between
    DELETE …/modelcacheentries/NAME            with that version as a precondition, else 409

The API drops ``status`` from what is posted, so the first state of a record is written to
``spec.first``, and a claim is complete with its creation. An object without a status stands as
``spec.first`` says. The definition and the rights needed are in ``deploy/kubernetes``.

The API server stamps no microseconds. Times are those of this machine, corrected by the ``Date``
of the server's answers where they cannot both be right; the order of use is that of the resource
versions, which grow with every write in the cluster.
"""

from __future__ import annotations

import time
import warnings
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from lockgate.coordination.backend import StatusCounts
from lockgate.coordination.comparing import ComparingBackend, Stored
from lockgate.domain.claims import (
    LEASE_S_DEFAULT,
    ModelKey,
    ModelRecord,
    ModelStatus,
    Progress,
    require_limit,
)
from lockgate.errors import CoordinatorUnavailable, InvalidInput

__all__ = ["KubernetesBackend"]

GROUP = "lockgate.dev"
VERSION = "v1alpha1"
KIND = "ModelCacheEntry"
PLURAL = "modelcacheentries"

TIMEOUT_S = 10.0
TRIES_MAX = 3
PAUSE_S_MAX = 1.0
PAGES_MAX = 1000

_BUSY = (429, 500, 502, 503, 504)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


class KubernetesBackend(ComparingBackend):
    """Records as objects of one namespace. The version of a record is its resource version."""

    def __init__(self, client: httpx2.Client, namespace: str) -> None:
        """Use a client whose base URL and credentials are those of the API server."""
        self._client = client
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"
        self._clock = _ServerClock()

    @classmethod
    def open(cls, url: str) -> KubernetesBackend:
        """Use ``kubernetes://NAMESPACE[?kubeconfig=FILE&context=NAME]``.

        Without a file: the pod's service account, or the user's own configuration. Without a
        namespace: the configured one.
        """
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        file = options.get("kubeconfig")
        try:
            configs = KubeConfig.from_file(file) if file else KubeConfig.from_env()
            config = configs.get(options.get("context"))
        except (ConfigError, OSError, AssertionError, ValueError, LookupError) as error:
            raise CoordinatorUnavailable(detail=f"no usable cluster configuration: {error}") from (
                error
            )
        if config is None:
            raise CoordinatorUnavailable(
                detail="the cluster configuration selects no context: name one with ?context="
            )
        parameters = client_adapter.ConnectionParams(timeout=httpx2.Timeout(TIMEOUT_S))
        return cls(client_adapter.Client(config, parameters), parts.netloc or config.namespace)

    def connect(self) -> None:
        self._send("GET", params={"limit": "1"})

    def close(self) -> None:
        self._client.close()

    def now(self) -> datetime:
        return self._clock.now()

    def get_models_by_last_used(self, limit: int | None = None) -> list[ModelRecord]:
        require_limit(limit)
        found = [(_order(item), record) for item, record in self._list()]
        found.sort(key=lambda pair: (pair[0], pair[1].last_used_at))
        return [record for _, record in found][:limit]

    def get_status_counts(self) -> StatusCounts:
        counts = dict.fromkeys(ModelStatus, 0)
        for _, record in self._list():
            counts[record.status] += 1
        return counts

    # --- steps -------------------------------------------------------------------------------

    def _load(self, key: ModelKey) -> Stored | None:
        answer = self._send("GET", key.slug, allowed=(404,))
        if answer.status_code == 404:
            return None
        item = answer.json()
        record = _record_of(item)
        if record is not None and record.key != key:
            warnings.warn(f"{key.slug} is not about {key}: {record.key}", stacklevel=2)
            record = None
        return Stored(record, item["metadata"]["resourceVersion"])

    def _create(self, record: ModelRecord) -> bool:
        answer = self._send("POST", body=_object_of(record), allowed=(409,))
        return answer.status_code != 409

    def _replace(self, record: ModelRecord, version: object) -> bool:
        patch = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/status", "value": _status_of(record)},
        ]
        name = record.key.slug
        answer = self._send(
            "PATCH",
            f"{name}/status",
            body=patch,
            content_type="application/json-patch+json",
            allowed=(404, 409, 422),
        )
        if answer.status_code != 422:
            return answer.is_success
        # 422 is a failed test, or a status that the definition does not accept.
        now = self._send("GET", name, allowed=(404,))
        if now.is_success and now.json()["metadata"]["resourceVersion"] == version:
            raise _refused(answer)
        return False

    def _remove(self, key: ModelKey, version: object) -> bool:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"resourceVersion": version},
        }
        return self._send("DELETE", key.slug, body=options, allowed=(404, 409)).is_success

    def _list(self) -> list[tuple[dict[str, Any], ModelRecord]]:
        found: list[tuple[dict[str, Any], ModelRecord]] = []
        params: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = msgspec.json.decode(self._send("GET", params=params).content)
            for item in page["items"]:
                record = _record_of(item)
                if record is not None:
                    found.append((item, record))
            token = page["metadata"].get("continue")
            if not token:
                break
            params = {"continue": token}
        return found

    # --- HTTP --------------------------------------------------------------------------------

    def _send(
        self,
        method: str,
        name: str = "",
        *,
        body: Any = None,
        content_type: str = "application/json",
        params: dict[str, str] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> httpx2.Response:
        """Return the answer if it is a success or an allowed status. Busy servers are asked again.

        Every request of this file may be repeated: each names the version it is about.
        """
        request = self._client.build_request(
            method,
            f"{self._path}/{name}" if name else self._path,
            params=params,
            content=None if body is None else msgspec.json.encode(body),
            headers=None if body is None else {"Content-Type": content_type},
        )
        for attempt in range(1, TRIES_MAX + 1):
            started = datetime.now(UTC)
            try:
                answer = self._client.send(request)
            except (httpx2.HTTPError, OSError) as error:
                if attempt == TRIES_MAX:
                    detail = " ".join(f"{type(error).__name__}: {error}".split())
                    raise CoordinatorUnavailable(detail=detail) from error
                time.sleep(0.05 * attempt)
                continue
            self._clock.observe(answer.headers.get("Date", ""), started, datetime.now(UTC))
            if answer.status_code not in _BUSY or attempt == TRIES_MAX:
                break
            time.sleep(_pause_s(answer, attempt))
        if answer.is_success or answer.status_code in allowed:
            return answer
        raise _refused(answer)


class _ServerClock:
    """This machine's clock, moved no more than the server's answers demand.

    A ``Date`` has whole seconds and its answer took time, so each answer says only that the
    difference of the clocks lies between two bounds. It is taken as zero while it can be.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._low, self._high = timedelta.min, timedelta.max
        self._newest = datetime.min.replace(tzinfo=UTC)

    def observe(self, date: str, started: datetime, ended: datetime) -> None:
        try:
            server = parsedate_to_datetime(date).astimezone(UTC)
        except ValueError:
            return  # a proxy that drops the header: nothing is learned
        low, high = server - ended, server + _SECOND - started
        with self._lock:
            self._low, self._high = max(low, self._low), min(high, self._high)
            if self._low > self._high:  # one of the clocks was set meanwhile
                self._low, self._high = low, high

    def now(self) -> datetime:
        """Return a time later than any returned before."""
        with self._lock:
            offset = min(max(timedelta(0), self._low), self._high)
            self._newest = max(datetime.now(UTC) + offset, self._newest + _MICROSECOND)
            return self._newest


# --- objects ---------------------------------------------------------------------------------


def _object_of(record: ModelRecord) -> dict[str, Any]:
    key = record.key
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {
            "name": key.slug,
            "labels": {"app.kubernetes.io/managed-by": "lockgate"},
        },
        "spec": {
            "provider": key.provider,
            "model": key.model,
            "revision": key.revision,
            "node": key.node,
            "first": {
                "phase": record.status.value,
                "message": record.message,
                "createdAt": record.created_at.isoformat(),
                "lastUsedAt": record.last_used_at.isoformat(),
                "holder": record.holder,
                "leaseSeconds": record.lease_s,
            },
        },
    }


def _status_of(record: ModelRecord) -> dict[str, Any]:
    status: dict[str, Any] = {
        "phase": record.status.value,
        "message": record.message,
        "createdAt": record.created_at.isoformat(),
        "lastUsedAt": record.last_used_at.isoformat(),
        "holder": record.holder,
        "fence": record.fence,
        "leaseSeconds": record.lease_s,
        "heartbeat": record.heartbeat,
    }
    if record.progress is not None:
        status["bytesDone"] = record.progress.bytes_done
        if record.progress.bytes_total is not None:
            status["bytesTotal"] = record.progress.bytes_total
    return status


def _record_of(item: dict[str, Any]) -> ModelRecord | None:
    try:
        spec = item["spec"]
        status = item.get("status") or spec["first"]
        done = status.get("bytesDone")
        return ModelRecord(
            key=ModelKey(
                spec["provider"], spec["model"], spec.get("revision", ""), spec.get("node", "")
            ),
            status=ModelStatus(status["phase"]),
            created_at=_moment(status["createdAt"]),
            last_used_at=_moment(status["lastUsedAt"]),
            message=status.get("message", ""),
            holder=status.get("holder", ""),
            fence=int(status.get("fence", 1)),
            lease_s=float(status.get("leaseSeconds", LEASE_S_DEFAULT)),
            heartbeat=int(status.get("heartbeat", 0)),
            progress=None if done is None else Progress(done, status.get("bytesTotal")),
        )
    except (InvalidInput, ValueError, TypeError, LookupError, AttributeError) as error:
        name = item.get("metadata", {}).get("name")
        warnings.warn(
            f"Skipped the unreadable {KIND} {name}: {type(error).__name__}: {error}", stacklevel=2
        )
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment.astimezone(UTC)


def _order(item: dict[str, Any]) -> int:
    version = item["metadata"].get("resourceVersion", "")
    return int(version) if version.isdecimal() else 0


def _pause_s(answer: httpx2.Response, attempt: int) -> float:
    wanted = answer.headers.get("Retry-After", "")
    return min(float(wanted) if wanted.isdecimal() else 0.1 * attempt, PAUSE_S_MAX)


def _refused(answer: httpx2.Response) -> CoordinatorUnavailable:
    try:
        said = answer.json()["message"]
    except (ValueError, LookupError, TypeError):
        said = answer.text[:200]
    hint = {
        401: "; the credentials are not accepted",
        403: "; apply deploy/kubernetes/rbac.yaml",
        404: "; apply deploy/kubernetes/crd.yaml and make the namespace",
    }.get(answer.status_code, "")
    return CoordinatorUnavailable(
        detail=f"the API server answers {answer.status_code}: {said}{hint}"
    )
