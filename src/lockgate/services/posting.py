"""Posting: one request to an address that a user named, and what came back.

Where it may go is judged by `outbound`. No redirect is followed, little of the answer is read.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockgate.domain.addresses import WEBHOOK_HOSTS, AddressRules
from lockgate.domain.webhooks import ANSWER_CHARS_MAX, Attempt, require_url
from lockgate.errors import InvalidInput, InvalidSetting

if TYPE_CHECKING:
    from lockgate.storage.store import Store

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4 * ANSWER_CHARS_MAX
AGENT = "lockgate-webhooks"


class Poster:
    """Sends requests to addresses of users. Thread-safe."""

    def __init__(self, hosts: str = "", timeout_s: float = TIMEOUT_S) -> None:
        """Reach public addresses, and ``hosts``: names, addresses and networks, with commas."""
        self._rules = AddressRules.parse(hosts, WEBHOOK_HOSTS)
        self._timeout_s = timeout_s

    def require(self, url: str) -> None:
        """Raise `InvalidInput` for a URL that can be seen to lead where we never go."""
        require_url(url)
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        # A name that every machine has for itself is not asked for.
        address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
        if _is_address(address):
            fault = self._rules.find_fault(host, parts.port or _port_of(parts.scheme), address)
            if fault is not None:
                raise InvalidInput(detail=fault, field="url")

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Post ``body``; return what came back. Raises nothing for what is the receiver's fault."""
        import httpx

        at, began_s = datetime.now(UTC), time.monotonic()
        status, answer, error, wait_s = None, "", "", 0.0
        try:
            status, answer, wait_s = self._exchange(url, headers, body, began_s)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ValueError) as lost:
            error = str(lost) or type(lost).__name__
        return Attempt(
            at=at,
            took_ms=round((time.monotonic() - began_s) * 1_000),
            status=status,
            answer=answer,
            error=error[:ANSWER_CHARS_MAX],
            wait_s=wait_s,
        )

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, began_s: float
    ) -> tuple[int, str, float]:
        """Return status, the beginning of the answer, and the seconds that it asks to wait."""
        import httpx

        from lockgate.outbound import Patience, open_client

        patience = Patience(silence_s=self._timeout_s, wall_s=self._timeout_s)
        sent = {**headers, "user-agent": AGENT, "accept-encoding": "identity"}
        read = bytearray()
        with (
            open_client(self._rules, patience=patience) as client,
            client.stream(
                "POST", url, headers=sent, content=body, follow_redirects=False
            ) as response,
            # Its status says that it has been told; what follows is shown as far as it came.
            suppress(httpx.TimeoutException),
        ):
            for piece in response.iter_raw():
                read += piece
                late = time.monotonic() - began_s > self._timeout_s
                if late or len(read) >= ANSWER_BYTES_MAX:
                    break
        text = bytes(read[:ANSWER_BYTES_MAX]).decode("utf-8", errors="replace")
        plain = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
        return (
            response.status_code,
            plain[:ANSWER_CHARS_MAX],
            _seconds(response.headers.get("retry-after")),
        )


def find_poster(store: Store) -> Poster:
    """Return what posts for a store. Raises `InvalidSetting` for one that was opened without."""
    poster = store.post
    if not isinstance(poster, Poster):
        raise InvalidSetting(
            setting="webhook_hosts", detail="this registry was opened without a way to webhooks"
        )
    return poster


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _seconds(retry_after: str | None) -> float:
    if retry_after is None or not retry_after.isdigit():
        return 0.0
    return float(retry_after[:6])
