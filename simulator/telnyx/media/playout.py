"""What the application has sent for the telephone and the telephone has not played yet. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

from simulator.audio import FRAME_MS

MAX_QUEUE_MS: Final = 600_000
_MAX_ITEMS: Final = MAX_QUEUE_MS // 10


class QueueFull(Exception):
    """More than ten minutes of audio, or 60,000 chunks and marks, are waiting."""


class Playout:
    """A queue of codec bytes and marks, read in real time. Chunks may have any length."""

    def __init__(self, frame_bytes: int) -> None:
        """`frame_bytes`: bytes in 20 ms of the codec."""
        self.frame_bytes = frame_bytes
        self._queue: deque[bytes | str] = deque()
        self._bytes = 0
        self._played_of_first = 0
        self._limit = MAX_QUEUE_MS // FRAME_MS * frame_bytes

    @property
    def queued_ms(self) -> int:
        return self._bytes * FRAME_MS // self.frame_bytes

    def __bool__(self) -> bool:
        return bool(self._queue)

    def write(self, payload: bytes) -> None:
        """Queue audio. Raises QueueFull and keeps what was queued."""
        size = len(payload)
        if self._bytes + size > self._limit:
            raise QueueFull(f"More than {MAX_QUEUE_MS // 60_000} minutes of audio are waiting to be played.")
        if len(self._queue) >= _MAX_ITEMS:
            raise _too_many()
        self._queue.append(payload)
        self._bytes += size

    def mark(self, name: str) -> bool:
        """Queue a mark behind the audio sent so far; False when nothing waits, so it is reached already.

        Raises QueueFull.
        """
        if not self._queue:
            return False
        if len(self._queue) >= _MAX_ITEMS:
            raise _too_many()
        self._queue.append(name)
        return True

    def clear(self) -> list[str]:
        """Forget all audio; returns the names of the marks that were queued."""
        marks = [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self._bytes = self._played_of_first = 0
        return marks

    def take(self) -> tuple[bytes, list[str]]:
        """The next 20 ms, fewer bytes when the queue runs dry, and the marks reached with them."""
        queue, size = self._queue, self.frame_bytes
        if not queue:
            return b"", []
        first = queue[0]
        if len(first) == size and isinstance(first, bytes) and not self._played_of_first:
            # The usual case: an application that sends its audio in pieces of 20 ms.
            queue.popleft()
            self._bytes -= size
            return first, self._marks() if queue and isinstance(queue[0], str) else []
        taken: list[bytes] = []
        marks: list[str] = []
        while self._queue:
            item = self._queue[0]
            if isinstance(item, str):
                marks.append(item)
                self._queue.popleft()
                continue
            if size == 0:
                break
            piece = item[self._played_of_first : self._played_of_first + size]
            taken.append(piece)
            size -= len(piece)
            self._bytes -= len(piece)
            self._played_of_first += len(piece)
            if self._played_of_first == len(item):
                self._queue.popleft()
                self._played_of_first = 0
        return b"".join(taken), marks

    def _marks(self) -> list[str]:
        """The marks at the head of the queue."""
        marks: list[str] = []
        while self._queue and isinstance(mark := self._queue[0], str):
            marks.append(mark)
            self._queue.popleft()
        return marks


def _too_many() -> QueueFull:
    return QueueFull(f"More than {_MAX_ITEMS:,} chunks and marks are waiting to be played.")
