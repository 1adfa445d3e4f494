"""Plays one recording: pause, seek, and up to twice as fast."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import numpy.typing as npt

from console.sound import protocol
from console.sound.clock import TICK_S
from console.sound.engine import Engine
from console.sound.protocol import Playing, Report
from console.sound.recording import Recording, fetched

Samples = npt.NDArray[np.int16]

_AHEAD = 25
"""Blocks (half a second) that are decoded before their time."""
_REPORT_EVERY = 5
_OPENING_TICKS = 50
_TICK_MS = TICK_S * 1000


class Player:
    """A source of the engine while it plays, so that the speaker is free in a pause. Decoding is done in a thread
    of its own, since the disk may be slow."""

    def __init__(self, engine: Engine, report: Callable[[Report], object]) -> None:
        self._engine, self._report = engine, report
        self._task: asyncio.Task[None] | None = None
        self._recording: Recording | None = None
        self._paused = False
        self._opening = 0
        self._wake = asyncio.Event()
        self._go_to(0, 1.0)

    async def play(self, order: protocol.Play) -> None:
        """In place of what is open. What cannot be played is reported as closed."""
        speed = _speed(order.speed)
        await self._end()
        self._paused = False
        self._go_to(max(0, order.from_ms), speed)
        self._task = asyncio.create_task(self._live(order), name="player")

    async def change(self, order: protocol.Player) -> None:
        """Raises ValueError in one sentence where nothing is open."""
        recording = self._recording
        if recording is None:
            raise ValueError("No recording is open.")
        speed = self._speed if order.speed is None else _speed(order.speed)
        if order.at_ms is not None:
            self._go_to(min(max(0, order.at_ms), recording.length_ms), speed)
        elif self._over and order.paused is False:
            self._go_to(0, speed)
        elif speed != self._speed:
            self._go_to(self._at_ms, speed)
        if order.paused is not None:
            self._paused = order.paused
        self._play_or_rest()
        self._tell(recording)

    async def close(self) -> None:
        """Nothing open is fine."""
        if await self._end():
            self._report(Playing(state="closed", at_ms=round(self._at_ms), length_ms=0))

    def take(self) -> Samples | None:
        recording = self._recording
        assert recording is not None
        block = None
        if not self._engine.speaker_open and self._opening < _OPENING_TICKS:
            # The speaker is being opened: the first word would be lost.
            self._opening += 1
        elif self._ready:
            block = self._ready.popleft()
            self._at_ms = min(self._at_ms + _TICK_MS * self._speed, recording.length_ms)
            if len(self._ready) < _AHEAD:
                self._wake.set()
        elif self._decoded:
            # The speaker still plays what it was given: the last word would be lost.
            self._draining += 1
            if self._draining * _TICK_MS > self._engine.speaker_delay_ms:
                self._over = True
                self._at_ms = recording.length_ms
                self._play_or_rest()
        self._ticks += 1
        if self._over or self._ticks % _REPORT_EVERY == 0:
            self._tell(recording)
        return block

    def _go_to(self, at_ms: float, speed: float) -> None:
        self._at_ms: float = at_ms
        self._speed = speed
        self._ready: deque[Samples] = deque()
        self._jumped = True
        self._decoded = self._over = False
        self._ticks = self._draining = 0
        self._wake.set()

    async def _live(self, order: protocol.Play) -> None:
        loop = asyncio.get_running_loop()
        # One thread: what it still does when this is cancelled is done before it closes the file.
        with contextlib.ExitStack() as stack:
            thread = ThreadPoolExecutor(1, "recording")
            stack.callback(thread.shutdown, wait=False)
            try:
                file = order.file or await fetched(order.url, order.token)
                recording = await loop.run_in_executor(thread, Recording, file)
                stack.callback(thread.submit, recording.close)
                self._recording = recording
                self._at_ms = min(self._at_ms, recording.length_ms)
                self._play_or_rest()
                self._tell(recording)
                await self._decode(recording, thread)
            except (ValueError, OSError, RuntimeError) as error:
                self._rest()
                self._report(Playing(state="closed", at_ms=round(self._at_ms), length_ms=0, message=str(error)))

    async def _decode(self, recording: Recording, thread: ThreadPoolExecutor) -> None:
        """Keep half a second ready, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            if self._jumped:
                self._jumped = False
                decoding = loop.run_in_executor(thread, recording.start, self._at_ms, self._speed)
            elif not self._decoded and len(self._ready) < _AHEAD:
                decoding = loop.run_in_executor(thread, recording.more)
            else:
                await self._wake.wait()
                continue
            blocks = await decoding
            # After another jump meanwhile it is sound from elsewhere.
            if not self._jumped:
                self._ready.extend(blocks)
                self._decoded = recording.over

    async def _end(self) -> bool:
        """Whether something was open."""
        self._rest()
        task, self._task = self._task, None
        if task is None or task.done():
            return False
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return True

    def _rest(self) -> None:
        self._engine.remove_source(self)
        self._recording = None

    def _play_or_rest(self) -> None:
        if self._paused or self._over:
            self._engine.remove_source(self)
        else:
            self._opening = 0
            self._engine.add_source(self)

    def _tell(self, recording: Recording) -> None:
        state: Literal["playing", "paused", "over"] = "playing"
        if self._over:
            state = "over"
        elif self._paused:
            state = "paused"
        self._report(
            Playing(state=state, at_ms=round(self._at_ms), length_ms=recording.length_ms, speed=self._speed)
        )


def _speed(speed: float) -> float:
    if not 1 <= speed <= 2:
        raise ValueError(f"A recording is played at a speed of 1 to 2, not {speed:g}.")
    return speed
