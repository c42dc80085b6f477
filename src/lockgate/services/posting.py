"""Posting: one request to an address that a user named, and what came back.

A name is resolved once, its addresses are judged, and the connection goes to the very address
that was judged. No proxy, no redirect, little of the answer is read.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockgate.domain.addresses import AddressRules
from lockgate.domain.webhooks import ANSWER_CHARS_MAX, Attempt, require_url
from lockgate.errors import InvalidInput, InvalidSetting, RegistryError

if TYPE_CHECKING:
    import httpx

    from lockgate.storage.store import Store

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 4 * ANSWER_CHARS_MAX
CONNECTIONS_MAX = 32
AGENT = "lockgate-webhooks"


class Poster:
    """Sends requests to addresses of users. Thread-safe."""

    def __init__(self, hosts: str = "", timeout_s: float = TIMEOUT_S) -> None:
        """Reach public addresses, and ``hosts``: names, addresses and networks, with commas."""
        self._rules = AddressRules.parse(hosts)
        self._timeout_s = timeout_s
        self._client: httpx.Client | None = None

    def require(self, url: str) -> None:
        """Raise `InvalidInput` for a URL that can be seen to lead where we never go."""
        require_url(url)
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        # A name that every machine has for itself is not asked for.
        address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
        if _is_address(address):
            self._judge(host, parts.port or _port_of(parts.scheme), address)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Post ``body``; return what came back. Raises nothing for what is the receiver's fault."""
        import httpx

        at, began_s = datetime.now(UTC), time.monotonic()
        status, answer, error, wait_s = None, "", "", 0.0
        try:
            status, answer, wait_s = self._exchange(url, headers, body, began_s)
        except RegistryError as refused:
            error = str(refused)
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

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes, began_s: float
    ) -> tuple[int, str, float]:
        """Return status, the beginning of the answer, and the seconds that it asks to wait."""
        import httpx

        target = httpx.URL(url)
        address = self._address_of(target.host, target.port or _port_of(target.scheme))
        pinned = target.copy_with(host=address)
        sent = {
            **headers,
            "host": target.netloc.decode("ascii"),
            "user-agent": AGENT,
            "accept-encoding": "identity",
        }
        request = self._connections().build_request(
            "POST", pinned, headers=sent, content=body, extensions={"sni_hostname": target.host}
        )
        response = self._connections().send(request, stream=True)
        try:
            read = bytearray()
            for piece in response.iter_raw():
                read += piece
                if len(read) >= ANSWER_BYTES_MAX or time.monotonic() - began_s > self._timeout_s:
                    break
        finally:
            response.close()
        text = bytes(read[:ANSWER_BYTES_MAX]).decode("utf-8", errors="replace")
        plain = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
        return (
            response.status_code,
            plain[:ANSWER_CHARS_MAX],
            _seconds(response.headers.get("retry-after")),
        )

    def _address_of(self, host: str, port: int) -> str:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]).partition("%")[0] for each in found]
        for address in addresses:
            self._judge(host, port, address)
        return addresses[0]

    def _judge(self, host: str, port: int, address: str) -> None:
        fault = self._rules.find_fault(host, port, address)
        if fault is not None:
            raise InvalidInput(
                detail=f"{fault}, not on the public internet; LOCKGATE_WEBHOOK_HOSTS names what "
                "webhooks may reach in this network",
                field="url",
            )

    def _connections(self) -> httpx.Client:
        if self._client is None:
            import httpx

            self._client = httpx.Client(
                timeout=self._timeout_s,
                follow_redirects=False,
                trust_env=False,
                # A connection is of the name that it was made for, and is not kept for another.
                limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=0),
            )
        return self._client


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
