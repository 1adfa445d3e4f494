"""uvicorn's WebSocket, and two things about its connection that ASGI does not offer.

Left alone, Linux takes megabytes for a client on this machine that does not read: over a minute of a call.
"""

from __future__ import annotations

import asyncio
import socket

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_EXTENSION = "sidetone.transport"
_SYSTEM_BYTES = 8 * 1024
_SERVER_BYTES = 4 * 1024


class OpenWebSocket(WebSocketsSansIOProtocol):
    """Give this class to uvicorn as ``ws``; what is below needs it, and does nothing without it."""

    async def run_asgi(self) -> None:
        self.scope["extensions"][_EXTENSION] = {"transport": self.transport}  # type: ignore[index]
        await super().run_asgi()


def hold_little_back(websocket: WebSocket) -> None:
    """Let sending wait once a few kilobytes are on their way."""
    transport = _transport(websocket)
    if transport is not None:
        transport.set_write_buffer_limits(high=_SERVER_BYTES)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BYTES)


def drop(websocket: WebSocket) -> None:
    """Give the connection up with all that is on its way."""
    transport = _transport(websocket)
    if transport is not None:
        transport.abort()


def _transport(websocket: WebSocket) -> asyncio.Transport | None:
    return websocket.scope.get("extensions", {}).get(_EXTENSION, {}).get("transport")
