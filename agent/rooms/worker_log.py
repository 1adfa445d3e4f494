"""What livekit-agents and livekit.rtc say in their logs alone: that the server is lost, and why."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Final

_RETRYING: Final = "failed to connect to livekit, retrying"
_NOT_OURS: Final = "The room connection was not established within"
_ROOM_ENDED: Final = "closed unexpectedly"


class ConnectionLog(logging.Filter):
    """Reads from AgentServer's log that the connection is lost, which no event of it tells. What is told as a
    worker's state is not logged again, nor that a job opens no room of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[str], None]) -> None:
        super().__init__()
        self._loop, self._tell = loop, lost

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if text.startswith(_RETRYING):
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell, _why(getattr(record, "error", None)))
            return False
        return not text.startswith(_NOT_OURS)


def ordinary(record: logging.LogRecord) -> bool:
    """livekit.rtc calls it an error that a room which the server ended has closed its channels."""
    return _ROOM_ENDED not in str(record.msg)


def _why(error: object) -> str:
    status = getattr(error, "status", getattr(error, "status_code", None))
    if status in (401, 403):
        return "The server does not accept LIVEKIT_API_KEY with LIVEKIT_API_SECRET."
    if isinstance(error, OSError):
        # aiohttp's own text tells the address over again.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror or type(error).__name__
        return f"The server cannot be reached ({why}): check LIVEKIT_URL."
    if isinstance(status, int) and status >= 400 and status < 600:
        return f"The server answers HTTP {status} to workers: check LIVEKIT_URL."
    return "The server closed the connection; it is tried again."
