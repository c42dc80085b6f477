"""Turns of transfers come back, however a stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from lockgate.http.transfers import TRANSFERS_MAX, PacedResponse, Transfers


async def held(turns: Transfers) -> AsyncGenerator[bytes, None]:
    """Yield pieces without an end, in one turn."""
    async with turns.turn():
        while True:
            yield b"piece"


async def stream(turns: Transfers, failing: Exception) -> None:
    """Send a stream to a client who is gone after the first piece."""
    pieces = 0

    async def send(message: Message) -> None:
        nonlocal pieces
        pieces += "body" in message
        if pieces > 1:
            raise failing

    await PacedResponse(held(turns)).stream_response(send)


def test_a_client_that_is_gone_gives_its_turn_back() -> None:
    """More streams than there are turns break off, one after the other, and none waits."""

    async def run() -> int:
        turns = Transfers()
        for _ in range(TRANSFERS_MAX + 1):
            with pytest.raises(OSError, match="gone"):
                await stream(turns, OSError("gone"))
        turns.close()
        return TRANSFERS_MAX + 1

    assert asyncio.run(run()) == TRANSFERS_MAX + 1


def test_a_client_that_takes_nothing_is_let_go() -> None:
    """A piece that is not taken within the time ends the stream as if the client had left."""

    async def run() -> None:
        turns = Transfers()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        response = PacedResponse(held(turns), send_s_max=0.01)
        with pytest.raises(ClientDisconnect):
            await response.stream_response(send)
        turns.close()

    asyncio.run(run())
