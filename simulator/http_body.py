"""Reading request bodies within a limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request


class BodyError(Exception):
    """The body is too long or was cut off; the text says which, in one sentence."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises BodyError."""
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > limit:
                raise BodyError(f"The request body is longer than {limit:,} bytes.")
    except ClientDisconnect:
        raise BodyError("The request body was cut off.") from None
    return bytes(received)
