"""Who may use `/sim`: the token of simulator.json."""

from __future__ import annotations

import hmac
from typing import Final

from starlette.requests import HTTPConnection

NO_TOKEN: Final = "Send the token of simulator.json as Authorization: Bearer <token>."


def bears(connection: HTTPConnection, token: str) -> bool:
    """Whether a request or a WebSocket's handshake bears the token."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
