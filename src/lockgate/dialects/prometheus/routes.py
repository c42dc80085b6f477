"""Remote write: samples whose labels name a version become observations of it.

    lockgate_model, lockgate_version    which version; a series without them is passed over
    lockgate_project                    the registry's own project unless told
    lockgate_metric, else __name__      what the metric is called

Prometheus sends a request again until it is answered, so each version's part of it is taken in once
only. What cannot be taken in is told, with status 400, and the rest is taken in all the same:
Prometheus logs that and goes on.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lockgate.dialects.prometheus.messages import read_series
from lockgate.domain.moments import from_micros, to_text
from lockgate.errors import (
    Forbidden,
    InvalidInput,
    InvalidSetting,
    LimitExceeded,
    NotFound,
)
from lockgate.http.calls import Call
from lockgate.http.routing import media_type
from lockgate.registry import Registry
from lockgate.storage.idempotency import Once, Replayed

PATH = "/api/v1/prometheus/write"
ENCODINGS = {PATH: "snappy"}
MILLIS_MAX = 253_402_300_799_000
FAULTS_MAX = 10
_PREFIX = "lockgate_"
Batch = list[dict[str, Any]]


async def write(request: Request) -> Response:
    """Take in what Prometheus writes."""
    body = await request.body()
    if media_type(request) != "application/x-protobuf" or not _is_first_version(request):
        return PlainTextResponse(
            "Send version 1 of remote write: application/x-protobuf, prometheus.WriteRequest.", 415
        )
    if request.headers.get("content-encoding", "").lower() != "snappy":
        return PlainTextResponse("Send it with Content-Encoding: snappy.", 415)
    call = Call(request)
    try:
        faults = await call.run(lambda: _taken_in(call.registry, body))
    except Forbidden as error:
        return PlainTextResponse(str(error), 403)
    except LimitExceeded as error:
        return PlainTextResponse(str(error), 413)
    except InvalidInput as error:
        status = 501 if isinstance(error, InvalidSetting) else 400
        return PlainTextResponse(str(error), status)
    if faults:
        return PlainTextResponse("\n".join(faults[:FAULTS_MAX]), 400)
    return Response(status_code=204)


def _is_first_version(request: Request) -> bool:
    """Say whether it is the message of version 1: what is told when nothing else is."""
    words = request.headers.get("content-type", "").split(";")[1:]
    told = [word.strip().removeprefix("proto=") for word in words if "proto=" in word]
    return not told or told == ["prometheus.WriteRequest"]


def _taken_in(registry: Registry, body: bytes) -> list[str]:
    """Take in each version's part by itself; return what was wrong with any."""
    digest = hashlib.sha256(body).hexdigest()
    faults = []
    forbidden: Forbidden | None = None
    parts = _parts(registry.project, read_series(body))
    for (name, version), batch in parts.items():
        key = hashlib.sha256(f"{digest} {name}:{version}".encode()).hexdigest()
        once = Once(key=f"prometheus-{key}", fingerprint=key, encode=lambda _kept: "")
        try:
            registry.acting_as(registry.actor, once).report_observations(name, version, batch)
        except Replayed:
            continue  # sent again, since the answer was lost
        except Forbidden as error:
            forbidden = error
        except (InvalidInput, LimitExceeded, NotFound) as error:
            faults.append(f"{name}:{version}: {error}")
    if forbidden is not None and len(faults) + 1 >= len(parts):
        raise forbidden
    return faults if forbidden is None else [str(forbidden), *faults]


def _parts(
    project: str, series: Iterable[tuple[Mapping[str, str], list[tuple[int, float]]]]
) -> dict[tuple[str, str], Batch]:
    """Return the observations of each version, by its model's full name and its label."""
    parts: dict[tuple[str, str], dict[int, dict[str, list[float]]]] = {}
    for labels, samples in series:
        model, version = labels.get(f"{_PREFIX}model"), labels.get(f"{_PREFIX}version")
        metric = labels.get(f"{_PREFIX}metric") or labels.get("__name__")
        if not model or not version or not metric:
            continue
        name = f"{labels.get(f'{_PREFIX}project') or project}/{model}"
        part = parts.setdefault((name, version), {})
        for at_ms, value in samples:
            # What is no number marks a series that has ended.
            if math.isfinite(value):
                part.setdefault(at_ms, {}).setdefault(metric, []).append(value)
    return {key: _batch(part) for key, part in parts.items() if part}


def _batch(part: Mapping[int, Mapping[str, list[float]]]) -> Batch:
    """Return observations in the registry's words; several series of a metric are several."""
    batch: Batch = []
    for at_ms, metrics in part.items():
        at = to_text(from_micros(min(max(at_ms, 0), MILLIS_MAX) * 1_000))
        for place in range(max(map(len, metrics.values()))):
            taken = {name: each[place] for name, each in metrics.items() if place < len(each)}
            batch.append({"at": at, "metrics": taken})
    return batch


routes = [Route(PATH, write, methods=["POST"], include_in_schema=False)]
