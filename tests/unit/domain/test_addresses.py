"""Which addresses a program of ours may be sent to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.domain.addresses import AddressRules, closed_kind
from lockgate.errors import InvalidInput

CLOSED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "0.0.0.0": "unspecified",  # noqa: S104
    "0.1.2.3": "unspecified",
    "10.0.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.100.100.200": "shared by a carrier",
    "169.254.169.254": "link-local",
    "168.63.129.16": "a cloud's metadata",
    "192.0.0.192": "special",
    "224.0.0.1": "multicast",
    "255.255.255.255": "reserved",
    "192.0.2.1": "not public",
    "::": "unspecified",
    "::1": "loopback",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
    "2001:db8::1": "not public",
    "::ffff:127.0.0.1": "loopback (as 127.0.0.1)",
    "::ffff:a9fe:a9fe": "link-local (as 169.254.169.254)",
    "::127.0.0.1": "loopback (as 127.0.0.1)",
    "64:ff9b::a9fe:a9fe": "link-local (as 169.254.169.254)",
    "64:ff9b:1::8.8.8.8": "private (NAT64)",
    "2002:7f00:1::": "loopback (as 127.0.0.1)",
    "2002:a9fe:a9fe::1": "link-local (as 169.254.169.254)",
    "2001:0:808:808:8000:63bf:80ff:fffe": "loopback (as 127.0.0.1)",
    "2606:4700::5efe:10.0.0.1": "private (as 10.0.0.1)",
}


@pytest.mark.parametrize(("address", "kind"), CLOSED.items())
def test_what_is_not_public_is_named(address: str, kind: str) -> None:
    """Every kind of inner address is known, bare or carried by another."""
    assert kind == closed_kind(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_what_is_public_passes(address: str) -> None:
    """Public addresses pass, also through a translator."""
    assert closed_kind(ip_address(address)) is None


@given(st.integers(0, 2**32 - 1))
def test_no_wrapping_opens_an_address(number: int) -> None:
    """Whatever carries a closed IPv4 address is closed."""
    inner = IPv4Address(number)
    if closed_kind(inner) is None:
        return
    for wrapped in (
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
        0x20010000 << 96 | 0x08080808 << 64 | (number ^ 0xFFFFFFFF),
        number,
    ):
        assert closed_kind(IPv6Address(wrapped)) is not None


@given(st.integers(0, 2**128 - 1))
def test_every_address_has_an_answer(number: int) -> None:
    """No address is beyond judgement, and what the library calls private is closed."""
    address = IPv6Address(number)
    kind = closed_kind(address)
    if address.is_private and address.ipv4_mapped is None and address.teredo is None:
        assert kind is not None


def test_an_operator_may_open_more() -> None:
    """By name, by name and port, by address and by network; a name is not its neighbours'."""
    rules = AddressRules.parse("Models.internal, cache.internal:9000, 10.1.0.0/16, ::1")
    assert rules.find_fault("models.internal.", 80, "10.9.9.9") is None
    assert rules.find_fault("cache.internal", 9000, "127.0.0.1") is None
    assert rules.find_fault("other", 80, "10.1.2.3") is None
    assert rules.find_fault("other", 80, "::1") is None
    assert (
        rules.find_fault("cache.internal", 22, "127.0.0.1")
        == "cache.internal is 127.0.0.1, which is loopback, not on the public internet; "
        "LOCKGATE_IMPORT_HOSTS names what else may be reached"
    )
    assert rules.find_fault("xmodels.internal", 80, "10.9.9.9") is not None
    assert AddressRules.parse("*").find_fault("x", 1, "127.0.0.1") is None
    assert AddressRules.parse("").find_fault("x", 1, "nonsense") == "'nonsense' is no address"
    with pytest.raises(InvalidInput, match="neither a name, an address nor a network"):
        AddressRules.parse("10.0.0.1/8")
