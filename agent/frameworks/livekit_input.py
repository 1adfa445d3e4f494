"""What the line hears as LiveKit's audio input; nothing is resampled."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from agent.carriers import Line


class LineInput(AudioInput):
    """``over`` is set once the line is over. Keys are told to nobody: the line has made events of them."""

    def __init__(self, line: Line) -> None:
        super().__init__(label="line")
        self._line = line
        self.over = asyncio.Event()

    async def __anext__(self) -> rtc.AudioFrame:
        while True:
            try:
                heard = await self._line.hear()
            except Exception:
                # LiveKit logs it and reads on no more.
                self.over.set()
                raise
            if heard is None:
                self.over.set()
                raise StopAsyncIteration
            if not isinstance(heard, str) and len(heard):
                return rtc.AudioFrame(heard.tobytes(), self._line.hears.rate, 1, len(heard))
