"""The microphone as a track of a LiveKit room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from livekit import rtc

from console.sound.clock import BLOCK, RATE

Samples = npt.NDArray[np.int16]

_UNSENT = 10
_QUEUE_MS = 60
"""What WebRTC may hold back; what came late would stay late in a longer queue."""


class RoomMicrophone:
    """A sink of the engine for one stay in a room. What the room does not take in time is not kept: 200 ms.
    ``failed`` is told in one sentence when it takes no more."""

    def __init__(self, failed: Callable[[str], object]) -> None:
        self._failed = failed
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._unsent: deque[Samples] = deque(maxlen=_UNSENT)
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def publish(self, room: rtc.Room) -> None:
        """Be in ``room``; raises what LiveKit raises where that is not allowed."""
        track = rtc.LocalAudioTrack.create_audio_track("operator", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)
        self._task = asyncio.create_task(self._send(), name="room microphone")

    def put(self, block: Samples, at: float) -> None:
        self._unsent.append(block)
        self._more.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._source.aclose()

    async def _send(self) -> None:
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._unsent:
                    block = self._unsent.popleft()
                    await self._source.capture_frame(rtc.AudioFrame(bytearray(block.tobytes()), RATE, 1, BLOCK))
        except Exception as error:  # LiveKit's client raises nothing more exact.
            self._failed(
                f"The call's room takes no more of your microphone ({error}): hand back, and take over again."
            )
