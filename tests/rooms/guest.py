"""Anybody in a room, by LiveKit's own client: hears who publishes what, and speaks where the token lets it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

import numpy as np
from livekit import rtc

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import is_voiced
from simulator.caller.party import NARROWBAND, frame_samples

PATIENCE_S = 60.0
_CONNECT_S = 20.0
"""For each attempt; the client's own 5 s are too few on a busy machine."""
_SOURCE_MS = 200
_FRAMES_WAITING = 25
_NEGOTIATED_S = 0.6
"""A client that leaves sooner after publishing keeps three threads busy for as long as its process lives."""


class Guest:
    """Samples are int16 mono at ``rate``. ``reason`` is why it is no longer in the room, in LiveKit's words, empty
    while it is there."""

    def __init__(self, url: str, token: str, rate: int = NARROWBAND) -> None:
        self.rate = rate
        self.reason = ""
        self.room = rtc.Room()
        self._url, self._token = url, token
        self._heard: dict[str, list[Samples]] = {}
        self._arrived: dict[str, deque[Samples]] = {}
        """The last half second of everybody that nobody has taken yet."""
        self._changed = asyncio.Condition()
        self._source: rtc.AudioSource | None = None
        self._settled_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("disconnected", self._disconnected)
        for event in ("participant_connected", "participant_disconnected", "participant_attributes_changed"):
            self.room.on(event, self._news)

    async def __aenter__(self) -> Self:
        await self.join()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    @property
    def identity(self) -> str:
        return self.room.local_participant.identity

    @property
    def others(self) -> dict[str, rtc.RemoteParticipant]:
        """Everybody who can be seen in the room, by identity."""
        return dict(self.room.remote_participants)

    @property
    def speakers(self) -> list[str]:
        """Everybody whose track was heard, also of those who have left."""
        return list(self._heard)

    def heard(self, identity: str) -> Samples:
        """All that was heard of a participant so far."""
        return np.concatenate([np.zeros(0, np.int16), *self._heard.get(identity, [])])

    def heard_ms(self, identity: str) -> int:
        """How long a participant's track has been heard, silence included."""
        return FRAME_MS * len(self._heard.get(identity, []))

    def voiced_ms(self, identity: str, since_ms: int = 0) -> int:
        """How much voice a participant's track had, from ``since_ms`` of :meth:`heard_ms` on."""
        return FRAME_MS * sum(map(is_voiced, self._heard.get(identity, [])[since_ms // FRAME_MS :]))

    async def until(self, fits: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Wait until something that this guest sees or hears is so."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(fits)

    async def join(self) -> None:
        await self.room.connect(self._url, self._token, rtc.RoomOptions(connect_timeout=_CONNECT_S))

    async def leave(self) -> None:
        """Raises what went wrong behind this guest's back."""
        if not self.reason:
            await asyncio.sleep(self._settled_at - asyncio.get_running_loop().time())
        await self.room.disconnect()
        self.reason = self.reason or "client_initiated"
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._source is not None:
            await self._source.aclose()
            self._source = None
        if self._failures:
            raise self._failures[0]

    async def open_microphone(self) -> None:
        """Publish a track, silent until :meth:`say`."""
        self._source = rtc.AudioSource(self.rate, 1, queue_size_ms=_SOURCE_MS)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self._settled_at = asyncio.get_running_loop().time() + _NEGOTIATED_S

    async def say(self, samples: Samples) -> None:
        """Speak; returns when it was sent. One at a time."""
        size = frame_samples(self.rate)
        for start in range(0, len(samples), size):
            await self.send(samples[start : start + size])
        assert self._source is not None
        await self._source.wait_for_playout()

    async def say_until(self, samples: Samples, heard: Callable[[], object]) -> None:
        """Speak again and again until it was heard: what is said before somebody's ear is open is lost."""
        async with asyncio.timeout(PATIENCE_S):
            while not heard():
                await self.say(samples)

    async def send(self, samples: Samples) -> None:
        """Give the track its next samples, at most 200 ms before their time. One at a time."""
        assert self._source is not None, "open the microphone first"
        await self._source.capture_frame(rtc.AudioFrame(samples.tobytes(), self.rate, 1, len(samples)))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside everything else, until :meth:`leave`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    def _subscribed(
        self, track: rtc.RemoteTrack, publication: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant
    ) -> None:
        if isinstance(track, rtc.RemoteAudioTrack):
            self._heard.setdefault(who.identity, [])
            self.begin(self._hear(track, who.identity))
        self._news()

    async def _hear(self, track: rtc.RemoteAudioTrack, identity: str) -> None:
        arrived = self._arrived[identity] = deque(maxlen=_FRAMES_WAITING)
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=self.rate, num_channels=1, frame_size_ms=FRAME_MS, capacity=500
        )
        try:
            async for event in stream:
                samples = np.frombuffer(bytes(event.frame.data), np.int16)
                self._heard[identity].append(samples)
                arrived.append(samples)
                await self._tell()
        finally:
            await stream.aclose()

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self.reason = rtc.DisconnectReason.Name(reason).lower()
        self._news()

    def _news(self, *_: object) -> None:
        self.begin(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
