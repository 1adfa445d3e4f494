"""The WebSocket of one phone."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.control.token import NO_TOKEN, bears
from simulator.phone.outbox import Outbox
from simulator.phone.phone import Phone
from simulator.telnyx.calls.exchange import Exchange
from simulator.telnyx.calls.incoming import Reception

log = logging.getLogger(__name__)

_MOST_PHONES: Final = 200


def routes(token: str, exchange: Exchange, reception: Reception) -> list[BaseRoute]:
    phones: set[Phone] = set()

    async def phone(socket: WebSocket) -> None:
        if not bears(socket, token):
            await socket.send_denial_response(_error(NO_TOKEN, 401))
            return
        if len(phones) >= _MOST_PHONES:
            await socket.send_denial_response(
                _error(f"{_MOST_PHONES} phones are open, as many as there may be.", 503)
            )
            return
        this = Phone(exchange, reception)
        phones.add(this)
        try:
            await socket.accept()
            await _serve(socket, this)
        finally:
            phones.discard(this)
            this.close()

    return [WebSocketRoute("/sim/phone", phone)]


async def _serve(socket: WebSocket, phone: Phone) -> None:
    """Until the phone closes the connection or cannot be talked to."""
    both = [asyncio.create_task(_read(socket, phone)), asyncio.create_task(_write(socket, phone.outbox))]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        ends = await asyncio.gather(*both, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect):
            log.error("A phone's connection failed.", exc_info=end)


async def _read(socket: WebSocket, phone: Phone) -> None:
    while not phone.outbox.overrun:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text, data = message.get("text"), message.get("bytes")
        if text is not None:
            phone.receive(text)
        elif data is not None:
            phone.hear(data)
        await phone.outbox.room()
    log.warning("A phone that does not read what it is sent was dropped.")


async def _write(socket: WebSocket, outbox: Outbox) -> None:
    while True:
        item = await outbox.next()
        if isinstance(item, bytes):
            await socket.send_bytes(item)
        else:
            await socket.send_text(item)


def _error(sentence: str, status: int) -> JSONResponse:
    return JSONResponse({"error": {"message": sentence}}, status)
