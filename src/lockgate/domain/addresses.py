"""Which network addresses a program of ours may be sent to by somebody else's word.

Public ones, and those that an operator listed. A name is never judged by its looks: it is resolved,
and every address it has must pass, for ``127.1``, ``2130706433`` and ``localtest.me`` are all
loopback. Addresses that carry another one (v4-mapped, NAT64, 6to4, Teredo, ISATAP) are judged by
that one as well, because that is where their packets go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, Self

from lockgate.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
ANY: Final = "*"
IMPORT_HOSTS: Final = "LOCKGATE_IMPORT_HOSTS"
WEBHOOK_HOSTS: Final = "LOCKGATE_WEBHOOK_HOSTS"
OIDC_HOSTS: Final = "LOCKGATE_OIDC_HOSTS"
PROMETHEUS_HOSTS: Final = "LOCKGATE_PROMETHEUS_HOSTS"

# The library's own tables are those of its release; what matters is said here.
_CLOSED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(text), kind)
    for text, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("168.63.129.16/32", "a cloud's metadata"),
        ("100.64.0.0/10", "shared by a carrier"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("192.0.0.0/24", "special"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("198.18.0.0/15", "for benchmarks"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "private (NAT64)"),
        ("100::/64", "discarded"),
        ("3fff::/20", "for documentation"),
        ("5f00::/16", "for segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_COMPATIBLE: Final = IPv6Network("::/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


def closed_kind(address: Address) -> str | None:
    """Return what an address is that is not public, such as ``loopback``; None for public ones."""
    for network, kind in _CLOSED:
        if address.version == network.version and address in network:
            return kind
    for inner in _carried(address):
        kind = closed_kind(inner) or ""
        if kind:
            return f"{kind} (as {inner})"
    if next(_carried(address), None) is None and not address.is_global:
        return "not public"
    return None


def _carried(address: Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 one has in it."""
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _COMPATIBLE or address in _NAT64:
        yield IPv4Address(number & 0xFFFFFFFF)
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(number & 0xFFFFFFFF)


@dataclass(frozen=True, kw_only=True)
class AddressRules:
    """Whom requests on somebody's behalf may reach: the public, and what is listed here.

    ``hosts`` are names (``models.internal``, ``models.internal:9000``), lower case; ``networks``
    are addresses. ``anywhere`` turns the check off. ``setting`` is where an operator lists them.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    anywhere: bool = False
    setting: str = IMPORT_HOSTS

    @classmethod
    def parse(cls, text: str, setting: str = IMPORT_HOSTS) -> Self:
        """Return rules from one line: names, addresses and networks, with commas; or ``*``.

        Raises `InvalidInput`.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        parts = [part.strip().lower() for part in text.split(",")]
        for part in filter(None, parts):
            if part == ANY:
                continue
            try:
                networks.append(ip_network(part.strip("[]")))
            except ValueError:
                if "/" in part or any(letter.isspace() for letter in part):
                    raise InvalidInput(
                        detail=f"{part!r} is neither a name, an address nor a network; "
                        "right would be models.internal, models.internal:9000 or 10.1.0.0/16",
                        field="hosts",
                    ) from None
                hosts.add(part)
        return cls(
            hosts=frozenset(hosts),
            networks=tuple(networks),
            anywhere=ANY in parts,
            setting=setting,
        )

    def find_fault(self, host: str, port: int, address: str) -> str | None:
        """Return why a connection to ``address``, which ``host`` resolved to, is refused."""
        if self.anywhere or not self.hosts.isdisjoint(_names(host, port)):
            return None
        try:
            found = ip_address(address)
        except ValueError:
            return f"{address!r} is no address"
        if any(found.version == each.version and found in each for each in self.networks):
            return None
        kind = closed_kind(found)
        if kind is None:
            return None
        return (
            f"{host} is {address}, which is {kind}, not on the public internet; "
            f"{self.setting} names what else may be reached"
        )


def _names(host: str, port: int) -> set[str]:
    name = host.lower().strip("[]").removesuffix(".")
    return {name, f"{name}:{port}"}
