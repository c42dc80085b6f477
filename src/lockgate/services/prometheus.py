"""Prometheus: one range of one query, asked of a server that a user named.

GET URL/api/v1/query_range?query=…&start=…&end=…&step=…  →  a matrix of series
"""

from __future__ import annotations

import json
import math
from typing import Any

from lockgate.domain.addresses import PROMETHEUS_HOSTS, AddressRules
from lockgate.errors import InvalidInput, InvalidSetting
from lockgate.storage.store import Store

SILENCE_S = 10.0
WALL_S = 20.0
ANSWER_BYTES_MAX = 8_000_000
VALUES_MAX = 50_000
PIECE_BYTES = 65_536


class SourceFault(Exception):
    """A server did not answer with a range of numbers; the text says what it did.

    ``silent`` says that it did not answer at all, whatever it is asked.
    """

    def __init__(self, detail: str, *, silent: bool = False) -> None:
        self.silent = silent
        super().__init__(detail)


class Prometheus:
    """Asks Prometheus servers on public addresses, and on those of ``hosts``."""

    def __init__(self, hosts: str = "") -> None:
        try:
            self._rules = AddressRules.parse(hosts, PROMETHEUS_HOSTS)
        except InvalidInput as error:
            raise InvalidSetting(setting="prometheus_hosts", detail=str(error)) from None

    def ask(
        self, url: str, query: str, first_s: int, last_s: int, step_s: int
    ) -> list[tuple[float, float]]:
        """Return moments (seconds since 1970) and values of all series that a query has.

        What is no number is left out, as Prometheus itself marks a series that has ended. Raises
        `SourceFault`.
        """
        import httpx

        from lockgate.outbound import Patience, open_client

        words: dict[str, str | int] = {
            "query": query,
            "start": first_s,
            "end": last_s,
            "step": step_s,
        }
        patience = Patience(silence_s=SILENCE_S, wall_s=WALL_S)
        try:
            with (
                open_client(self._rules, patience=patience) as client,
                client.stream(
                    "GET", f"{url.rstrip('/')}/api/v1/query_range", params=words
                ) as response,
            ):
                body = bytearray()
                for piece in response.iter_bytes(PIECE_BYTES):
                    body += piece
                    if len(body) > ANSWER_BYTES_MAX:
                        raise SourceFault(f"it answers with more than {ANSWER_BYTES_MAX} bytes")
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            told = str(error) or type(error).__name__
            raise SourceFault(f"no answer: {told}", silent=True) from error
        return _values(status, bytes(body))


def find_prometheus(store: Store) -> Prometheus | None:
    """Return what asks for a store, or None for one that was opened without."""
    found = store.prometheus
    return found if isinstance(found, Prometheus) else None


def _values(status: int, body: bytes) -> list[tuple[float, float]]:
    try:
        answer = json.loads(body)
        if answer["status"] != "success":
            raise SourceFault(f"{status}: {answer.get('errorType')}: {answer.get('error')}")
        found = [
            (float(at), float(value))
            for series in _matrix(answer["data"])
            for at, value in series["values"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SourceFault(f"{status}: not an answer of Prometheus' query API") from None
    if len(found) > VALUES_MAX:
        raise SourceFault(f"{len(found)} values at once, more than {VALUES_MAX}: ask for less")
    return [(at, value) for at, value in found if math.isfinite(at) and math.isfinite(value)]


def _matrix(data: Any) -> Any:
    if data["resultType"] != "matrix":
        raise SourceFault(f"the query gives a {data['resultType']}, not a matrix")
    return data["result"]
