"""Who may come in to Rime's addresses, and what others are told."""

from __future__ import annotations

import logging
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket

from simulator.rime.parameters import Refused

log = logging.getLogger(__name__)

_TEXTS: Final = {401: "invalid api key", 403: "access forbidden", 429: "Currently at websocket limit"}


def check_key(headers: Headers) -> None:
    """Raises Refused: any key will do, but there must be one, as a bearer token."""
    if "authorization" not in headers:
        raise Refused(401, "Missing Authorization header")
    scheme, _, key = headers["authorization"].partition(" ")
    if scheme.lower() not in ("bearer", "api-key"):
        raise Refused(401, "invalid api key")
    if not key.strip():
        raise Refused(401, "empty apikey")


async def refuse(socket: WebSocket, status: int, text: str) -> None:
    """An HTTP answer instead of the upgrade, with Rime's plain text."""
    log.info("Rime's stand-in refused a connection: %s", text)
    await socket.send_denial_response(PlainTextResponse(text, status))


def text_for(status: int) -> str:
    """Rime's text for an HTTP status."""
    return _TEXTS.get(status, "internal error")
