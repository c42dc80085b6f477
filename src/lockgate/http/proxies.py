"""Reverse proxies whose word is taken for where a request came from and by what scheme.

Nobody's is, unless a setting names the proxy's address: anybody can write these headers.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from lockgate.errors import InvalidSetting

SCHEMES = {b"http": "http", b"https": "https"}


class Proxied:
    """Middleware that gives a request the address and scheme that a trusted proxy tells."""

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        """``trusted`` are addresses and networks, with commas. Raises `InvalidSetting`."""
        self._app = app
        try:
            self._trusted = tuple(
                ip_network(each.strip()) for each in trusted.split(",") if each.strip()
            )
        except ValueError as error:
            raise InvalidSetting(setting="trusted_proxies", detail=str(error)) from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client is not None and self._trusts(str(client[0])):
            self._believe(scope)
        await self._app(scope, receive, send)

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self._trusted)

    def _believe(self, scope: Scope) -> None:
        """Take the last address that no trusted proxy has: those before it anybody can write."""
        chain: list[str] = []
        schemes: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                chain.extend(part.strip() for part in value.decode("latin-1").split(","))
            elif name == b"x-forwarded-proto":
                schemes.append(value.strip().lower())
        for address in reversed(chain):
            try:
                ip_address(address)
            except ValueError:
                break
            scope["client"] = (address, 0)
            if not self._trusts(address):
                break
        if len(schemes) == 1 and schemes[0] in SCHEMES:
            scope["scheme"] = SCHEMES[schemes[0]]
