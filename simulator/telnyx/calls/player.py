"""Sounds that Telnyx itself plays on a leg: spoken text and files, one after the other. Pure.

Telnyx queues what is started while something plays ("Play audio URL", "Speak text"); an overlay is heard at once,
beside the queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from simulator.audio import Samples
from simulator.telnyx.calls.mixing import mix
from simulator.telnyx.happenings import PlaybackStatus

MAX_QUEUED: Final = 100
ENDLESS: Final = 0
"""As `loops`: until stopped."""

Stop = Literal["current", "all", "overlay"]


def _nothing() -> None:
    pass


def _ignore(_status: PlaybackStatus) -> None:
    pass


@dataclass(slots=True)
class Sound:
    """`samples` None until they are there; the queue waits for them. `on_end` hears how it ended, once."""

    samples: Samples | None = None
    loops: int = 1
    on_start: Callable[[], None] = _nothing
    on_end: Callable[[PlaybackStatus], None] = _ignore
    position: int = 0
    started: bool = False
    over: bool = field(default=False)

    def end(self, status: PlaybackStatus) -> None:
        if not self.over:
            self.over = True
            self.on_end(status)


class PlayerFull(Exception):
    """A hundred sounds wait already."""


class Player:
    def __init__(self, frame_samples: int) -> None:
        """`frame_samples`: the length of 20 ms."""
        self._frame = frame_samples
        self._queue: deque[Sound] = deque()
        self._overlay: Sound | None = None

    def __bool__(self) -> bool:
        return bool(self._queue) or self._overlay is not None

    def play(self, sound: Sound) -> None:
        """Behind what is queued. Raises PlayerFull."""
        if len(self._queue) >= MAX_QUEUED:
            raise PlayerFull(f"{MAX_QUEUED} sounds are queued on this call already; stop some first.")
        self._queue.append(sound)

    def overlay(self, sound: Sound) -> None:
        """At once, in place of the overlay there was."""
        if self._overlay is not None:
            self._overlay.end("cancelled")
        self._overlay = sound

    def stop(self, which: Stop, status: PlaybackStatus = "cancelled") -> None:
        stopped: list[Sound] = []
        if which != "overlay":
            while self._queue:
                stopped.append(self._queue.popleft())
                if which == "current":
                    break
        if which != "current" and self._overlay is not None:
            stopped.append(self._overlay)
            self._overlay = None
        for sound in stopped:
            sound.end(status)

    def take(self) -> Samples | None:
        """The next 20 ms, shorter at a sound's end, None for silence."""
        while self._queue and self._queue[0].over:
            self._queue.popleft()
        queued = self._advance(self._queue[0]) if self._queue else None
        if self._overlay is None:
            return queued
        over = self._advance(self._overlay)
        if self._overlay.over:
            self._overlay = None
        return mix(queued, over)

    def _advance(self, sound: Sound) -> Samples | None:
        samples = sound.samples
        if samples is None or sound.over:
            return None
        if not sound.started:
            sound.started = True
            sound.on_start()
        piece = samples[sound.position : sound.position + self._frame]
        sound.position += self._frame
        if sound.position >= len(samples):
            sound.position = 0
            if sound.loops != ENDLESS:
                sound.loops -= 1
                if sound.loops == 0 or not len(samples):
                    sound.end("completed")
            elif not len(samples):
                sound.end("completed")
        return piece if len(piece) else None
