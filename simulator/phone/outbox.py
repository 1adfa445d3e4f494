"""What waits to be sent to one phone: messages and audio in their order, bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from simulator.phone.messages import ToPhone, encode

MOST_AUDIO: Final = 25
"""Frames, half a second; what comes then is left out, for it would be heard too late."""
MOST_MESSAGES: Final = 200


class Outbox:
    def __init__(self) -> None:
        self.dropped = 0
        """Frames of audio that were left out."""
        self.overrun = False
        """Whether a message had to be left out: the phone does not read, and cannot be talked to any more."""
        self._waiting: deque[str | bytes] = deque()
        self._audio = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def tell(self, message: ToPhone) -> None:
        if self._messages >= MOST_MESSAGES:
            self.overrun = True
        else:
            self._put(encode(message))
        self._set_room()

    def play(self, frame: bytes) -> None:
        if self._audio >= MOST_AUDIO:
            self.dropped += 1
        else:
            self._audio += 1
            self._put(frame)

    async def room(self) -> None:
        """Waits until an answer can be sent: who does not read is not read either."""
        await self._room.wait()

    async def next(self) -> str | bytes:
        """Waits for it."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        item = self._waiting.popleft()
        self._audio -= isinstance(item, bytes)
        self._set_room()
        return item

    @property
    def _messages(self) -> int:
        return len(self._waiting) - self._audio

    def _put(self, item: str | bytes) -> None:
        self._waiting.append(item)
        self._filled.set()

    def _set_room(self) -> None:
        if self.overrun or self._messages < MOST_MESSAGES // 2:
            self._room.set()
        else:
            self._room.clear()
