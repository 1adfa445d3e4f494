"""MP3 files on their way into the play-out queue, and the marks between them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from simulator.telnyx.media.ffmpeg import UndecodableAudio, decode_mp3
from simulator.telnyx.media.playout import MAX_QUEUE_MS

_MOST_WAITING: Final = 1000


class Mp3Files:
    """Decodes files in a thread, one after the other, so that they are queued in the order in which they came."""

    def __init__(
        self, rate: int, queue: Callable[[bytes], None], mark: Callable[[str], None], refuse: Callable[[str], None]
    ) -> None:
        """`queue` takes int16 samples at `rate` as bytes, `refuse` a sentence about a file that is none."""
        self._rate = rate
        self._queue = queue
        self._mark = mark
        self._refuse = refuse
        self._waiting: deque[bytes | str] = deque()
        self._task: asyncio.Task[None] | None = None
        self._generation = 0

    @property
    def busy(self) -> bool:
        return self._task is not None

    def add(self, item: bytes | str) -> bool:
        """A file, or the name of a mark behind the files so far; False when too much waits."""
        if len(self._waiting) >= _MOST_WAITING:
            return False
        self._waiting.append(item)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())
        return True

    def clear(self) -> list[str]:
        """Forget the files; returns the marks among them. One that is being decoded will not be queued."""
        self._generation += 1
        marks = [item for item in self._waiting if isinstance(item, str)]
        self._waiting.clear()
        return marks

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                item = self._waiting.popleft()
                if isinstance(item, str):
                    self._mark(item)
                    continue
                generation = self._generation
                try:
                    samples = await asyncio.to_thread(decode_mp3, item, self._rate, MAX_QUEUE_MS)
                except UndecodableAudio as error:
                    self._refuse(str(error))
                    continue
                if generation == self._generation:
                    self._queue(samples.tobytes())
        finally:
            self._task = None
