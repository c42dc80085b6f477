"""Whose word is taken for where a request came from."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lockgate.errors import InvalidSetting
from lockgate.http.proxies import Proxied

TRUSTED = "10.0.0.1, 192.168.0.0/16"


def seen(peer: str, *headers: tuple[str, str]) -> tuple[str, str]:
    """Return the address and the scheme that the application sees."""
    got: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        got.update(scope)

    scope = {
        "type": "http",
        "client": (peer, 1234),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    asyncio.run(Proxied(app, TRUSTED)(scope, None, None))  # type: ignore[arg-type]
    return got["client"][0], got["scheme"]


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("10.0.0.1", [(FOR, "9.9.9.9"), (PROTO, "https")], ("9.9.9.9", "https")),
        ("::ffff:10.0.0.1", [(FOR, "9.9.9.9")], ("9.9.9.9", "http")),
        ("10.0.0.2", [(FOR, "9.9.9.9"), (PROTO, "https")], ("10.0.0.2", "http")),
        ("10.0.0.1", [(FOR, "1.1.1.1, 9.9.9.9")], ("9.9.9.9", "http")),
        ("10.0.0.1", [(FOR, "1.1.1.1"), (FOR, "9.9.9.9, 192.168.1.1")], ("9.9.9.9", "http")),
        ("10.0.0.1", [(FOR, "1.1.1.1, <script>")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(PROTO, "https"), (PROTO, "http")], ("10.0.0.1", "http")),
        ("10.0.0.1", [(PROTO, "gopher")], ("10.0.0.1", "http")),
        ("somewhere", [(FOR, "9.9.9.9")], ("somewhere", "http")),
    ],
)
def test_word_of_a_proxy(
    peer: str, headers: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    """A named proxy is believed as far as it can know; nobody else is."""
    assert expected == seen(peer, *headers)


def test_what_is_no_address() -> None:
    """A setting that names no address stops the server."""
    with pytest.raises(InvalidSetting, match="trusted_proxies"):
        Proxied(lambda: None, "proxy.internal")  # type: ignore[arg-type]
