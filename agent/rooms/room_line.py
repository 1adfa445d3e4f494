"""A LiveKit room as a line: the caller's track in, the agent's track out, both at 16 kHz mono.

The wire is Opus over WebRTC; livekit.rtc decodes, hides lost packets and gives a frame every 20 ms from the
caller's first packet on, so that neither gaps nor frame numbers are to be seen here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from livekit import rtc

from agent import events
from agent.carriers.line_codec import LineFormat
from agent.events import Event
from agent.line_audio import LineAudio
from agent.line_meter import Ear, Mouth, Samples, loudness_db

RATE: Final = 16_000
FRAME_MS: Final = 20
TRACK: Final = "agent"
_QUEUE_MS: Final = 1_000
"""What the track takes ahead of its time; :meth:`RoomLine.speak` waits while it is full."""
_MOST_WAITING: Final = 100
"""Frames of the caller that nobody has read yet, two seconds; the oldest go first."""


class RoomLine:
    """See :class:`agent.carriers.Line`. Made before the call is known: :meth:`publish` lets the other side find
    the agent's track, :meth:`open` begins the call.

    ``on_audio_out`` is called just before audio of the agent goes out; ``on_live`` takes levels.
    """

    def __init__(self) -> None:
        self.speaks = self.hears = LineFormat("L16", RATE)
        self.ear, self.mouth = Ear(RATE), Mouth()
        self.audio = LineAudio(self._listener_failed)
        self.held = False
        self.stop_reason = ""
        self.on_audio_out: Callable[[int], None] = lambda _now: None
        self.on_live: Callable[[Event], object] = lambda _event: None
        self._emit: Callable[[Event], object] = lambda _event: None
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._published = ""
        self._waiting: deque[Samples | str] = deque()
        self._arrived = asyncio.Event()
        self._lost = 0
        self._listening: asyncio.Task[None] | None = None
        self._reporter: asyncio.Task[None] | None = None

    async def publish(self, room: rtc.Room) -> None:
        """Publish the agent's track, silent until the agent speaks.

        Raises:
            rtc.PublishTrackError: the room does not let us.
        """
        track = rtc.LocalAudioTrack.create_audio_track(TRACK, self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._published = (await room.local_participant.publish_track(track, options)).sid

    async def unpublish(self, room: rtc.Room) -> None:
        """Take the agent's track back, if it is there.

        Raises:
            rtc.UnpublishTrackError: the room does not let us.
        """
        published, self._published = self._published, ""
        if published:
            await room.local_participant.unpublish_track(published)

    def open(self, emit: Callable[[Event], object], stream_id: str) -> None:
        """The call is up: tell of it and begin to report statistics."""
        self._emit = emit
        emit(events.MediaStarted(stream_id=stream_id, encoding="opus", sample_rate=RATE))
        self._reporter = asyncio.create_task(self._report(), name="line-report")

    def listen(self, track: rtc.Track) -> None:
        """Hear this track of the caller's from now on, in the place of any other."""
        self.listen_no_more()
        self._listening = asyncio.create_task(self._listen(track), name="room-ear")

    def listen_no_more(self) -> None:
        """The caller's track is gone; another may come."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    def key(self, digit: str) -> None:
        """The caller pressed a key."""
        if self._reporter is not None and not self.stop_reason:
            self._emit(events.CallDtmf(digit=digit))
            self._heard(digit)

    def over(self, reason: str) -> None:
        """The line ended; what was heard so far is still read."""
        self.stop_reason = self.stop_reason or reason
        self._arrived.set()

    async def hear(self) -> Samples | str | None:
        while not self._waiting:
            if self.stop_reason:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def speak(self, audio: bytes) -> None:
        if not self.held and not self.stop_reason:
            self.on_audio_out(time.monotonic_ns())
            await self._send(audio, by_operator=False)

    async def spoken(self) -> None:
        """Nothing is to be asked for: the track plays in real time, so that time itself tells what was played."""

    async def operator_speaks(self, audio: bytes) -> None:
        if not self.stop_reason:
            await self._send(audio, by_operator=True)

    def operator_heard(self, audio: Samples) -> None:
        """An operator's own track, which the caller hears from the room: for those who listen, and the levels."""
        self.mouth.peak_db = max(self.mouth.peak_db, loudness_db(audio))
        self.audio.agent(time.monotonic_ns(), audio, True)

    async def clear(self) -> None:
        now = time.monotonic_ns()
        if self.mouth.queue_ms(now):
            self.audio.cleared(now)
            self._emit(events.MediaCleared(dropped_ms=self.mouth.cleared(now)))
            self._source.clear_queue()

    async def finish(self) -> None:
        """Stop hearing and reporting, and tell how the line ended. Whoever opened the room leaves it."""
        self.over("closed by the agent")
        tasks = [task for task in (self._listening, self._reporter) if task is not None]
        reported, self._listening, self._reporter = self._reporter is not None, None, None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if reported:
            self._emit(self._stats())
            self._emit(events.MediaStopped(reason=self.stop_reason))
        await self._source.aclose()

    async def _send(self, audio: bytes, *, by_operator: bool) -> None:
        now = time.monotonic_ns()
        samples = np.frombuffer(audio, np.int16)
        self.mouth.sent(now, len(samples) * 1000 / RATE, loudness_db(samples))
        self.audio.agent(now, samples, by_operator)
        await self._source.capture_frame(rtc.AudioFrame(audio, RATE, 1, len(samples)))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=FRAME_MS, capacity=_MOST_WAITING
        )
        try:
            async for event in stream:
                if self._reporter is not None:
                    self._take(np.frombuffer(event.frame.data, np.int16))
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await stream.aclose()

    def _take(self, samples: Samples) -> None:
        now = time.monotonic_ns()
        self.ear.received(now, 0, samples)
        self.audio.caller(now, samples)
        self._heard(samples)

    def _heard(self, what: Samples | str) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(what)
        self._arrived.set()

    def _listener_failed(self, listener: object, error: Exception) -> None:
        message = f"{type(listener).__name__} of the call failed: {type(error).__name__}: {error}"
        self._emit(events.Error(where="media", message=message, fix="The call goes on without it."))

    def _stats(self) -> events.MediaStats:
        ear = self.ear
        return events.MediaStats(
            rx=ear.frames,
            tx=self.mouth.frames,
            gaps=ear.gaps + self._lost,
            late=ear.late,
            jitter_ms=ear.jitter_ms,
            queue_ms=self.mouth.queue_ms(time.monotonic_ns()),
        )

    async def _report(self) -> None:
        while True:
            for _ in range(10):
                await asyncio.sleep(0.1)
                self.on_live(events.MediaLevel(caller=self.ear.take_peak_db(), agent=self.mouth.take_peak_db()))
            self._emit(self._stats())
