"""An operator's voice on its way to the caller, in the place of the agent's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from agent.carriers import Line
from agent.line_meter import loudness_db

_FRAME_MS: Final = 20
AHEAD_MS: Final = 60
"""So much is gathered before the first of it is sent, and again whenever the caller has heard all: while the
carrier has something to play, audio that comes late leaves no hole."""
_CATCH_UP_MS: Final = 140
"""With more than that at the carrier, silence is left out until the caller hears the operator in time again."""
_MOST_MS: Final = 400
"""Nothing is sent that the caller would hear later than that."""
_SILENCE_DB: Final = -50.0


class OperatorVoice:
    """Sends what :meth:`speak` is given until :meth:`stop`; the carrier's own queue paces it."""

    def __init__(self, line: Line, failed: Callable[[Exception], object]) -> None:
        self._line, self._failed = line, failed
        self._frame = line.speaks.rate * _FRAME_MS // 1000 * 2
        self._waiting = bytearray()
        self._most = self._frame * _MOST_MS // _FRAME_MS
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="operator-voice")

    def speak(self, audio: bytes | memoryview) -> None:
        """Take int16 little-endian samples at the rate of the line's ``speaks``; the oldest go where the line does
        not take them."""
        self._waiting += audio
        del self._waiting[: max(0, len(self._waiting) - self._most)]
        self._arrived.set()

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._send()
        except Exception as error:
            self._failed(error)

    async def _send(self) -> None:
        ahead = self._frame * AHEAD_MS // _FRAME_MS
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if len(self._waiting) < ahead and not self._queue_ms():
                continue
            while len(self._waiting) >= self._frame:
                frame = bytes(self._waiting[: self._frame])
                del self._waiting[: self._frame]
                if self._in_time(frame):
                    await self._line.operator_speaks(frame)

    def _queue_ms(self) -> int:
        return self._line.mouth.queue_ms(time.monotonic_ns())

    def _in_time(self, frame: bytes) -> bool:
        queue = self._queue_ms()
        if queue <= _CATCH_UP_MS:
            return True
        return queue <= _MOST_MS and loudness_db(np.frombuffer(frame, np.int16)) > _SILENCE_DB
