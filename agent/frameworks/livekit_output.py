"""LiveKit's audio output onto the line, in real time."""

from __future__ import annotations

import asyncio
import time

from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from agent.carriers import Line
from agent.turns import Turns

_FRAME_MS = 20
_CHUNK_FRAMES = 2
_MARK_FRAMES = 25
_LEAD_S = 0.08
"""Audio goes out so long before its turn: a loop that is busy for that time makes no gap, and a clear drops no
more than this and a chunk."""


class LineOutput(AudioOutput):
    """One segment after the other: capture, flush, then finished once it was played, or cleared.

    Pacing happens where LiveKit hands the audio over, so that nothing is queued here. It cannot pause: what was
    cut off is over.
    """

    def __init__(self, line: Line, turns: Turns) -> None:
        super().__init__(
            label="line", capabilities=AudioOutputCapabilities(pause=False), sample_rate=line.speaks.rate
        )
        self._line, self._turns = line, turns
        self._frame = line.speaks.rate * _FRAME_MS // 1000 * 2
        self._chunk = _CHUNK_FRAMES * self._frame
        self._rest = bytearray()
        self._due = 0.0
        self._begins_at_ms = 0.0
        self._open = self._began = False
        self._ending: asyncio.Task[None] | None = None
        self._clearing: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if not self._open:
            await self._settled()
            self._open, self._began, self._due = True, False, 0.0
            self._rest.clear()
        await super().capture_frame(frame)
        self._rest += frame.data.tobytes()
        while len(self._rest) >= self._chunk:
            audio = bytes(self._rest[: self._chunk])
            del self._rest[: self._chunk]
            await self._send(audio)

    def flush(self) -> None:
        super().flush()
        if self._open:
            self._open = False
            self._ending = asyncio.create_task(self._play_out(), name="line-play-out")

    def clear_buffer(self) -> None:
        if self._open:
            self._open = False
            super().flush()
        elif self._ending is None or self._ending.done():
            return
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        self._rest.clear()
        now = time.monotonic_ns()
        played_s = self._played_s(now)
        # What is played while an operator has silenced the agent is theirs.
        if not self._line.held and (self._turns.speaking or self._line.mouth.queue_ms(now)):
            self._turns.interrupted(now)
        self._clearing = asyncio.create_task(self._clear(played_s), name="line-clear")

    async def aclose(self) -> None:
        """Stop what still runs."""
        for task in (self._ending, self._clearing):
            if task is not None:
                task.cancel()
        await self._settled()

    async def _settled(self) -> None:
        tasks = [task for task in (self._ending, self._clearing) if task is not None]
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, audio: bytes) -> None:
        clock = asyncio.get_running_loop().time
        self._due = max(self._due, clock())
        early_s = self._due - _LEAD_S - clock()
        if early_s > 0:
            await asyncio.sleep(early_s)
        if not self._line.held and not self._began:
            self._began = True
            self._begins_at_ms = self._line.mouth.sent_ms
            await self._line.speak(audio)
            self.on_playback_started(created_at=time.time())
        else:
            await self._line.speak(audio)
        self._due += len(audio) / 2 / self._line.speaks.rate

    async def _play_out(self) -> None:
        if self._rest:
            # A piece that is no whole frame is a frame with a gap.
            missing = -len(self._rest) % self._frame
            await self._send(bytes(self._rest) + bytes(missing))
        await self._line.spoken()
        mouth = self._line.mouth
        while left_ms := mouth.queue_ms(time.monotonic_ns()):
            await asyncio.sleep(max(left_ms, _FRAME_MS) / 1000)
        # A carrier plays what came late later than the clock says: its mark tells.
        patience = _MARK_FRAMES
        while mouth.mark_waits and patience:
            await asyncio.sleep(_FRAME_MS / 1000)
            patience -= 1
        self._turns.agent_stopped()
        self.on_playback_finished(playback_position=self._played_s(time.monotonic_ns()), interrupted=False)

    async def _clear(self, played_s: float) -> None:
        if not self._line.held:
            await self._line.clear()
        self.on_playback_finished(
            playback_position=played_s,
            interrupted=True,
            synchronized_transcript=f"{self._turns.last_heard or ''}—",
        )

    def _played_s(self, now: int) -> float:
        if not self._began:
            return 0.0
        return max(0.0, self._line.mouth.played_ms(now) - self._begins_at_ms) / 1000
