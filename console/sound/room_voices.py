"""The voices of a call's LiveKit room that are heard: the caller's, the agent's and other operators'."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from livekit import rtc

from agent.api import RoomPass
from console.sound.clock import RATE
from console.sound.ear import Ear
from console.sound.levels import SILENCE_DB
from console.sound.mixing import mix

Samples = npt.NDArray[np.int16]

OPERATOR_ATTRIBUTE = "sidetone.operator"
"""Of participants whom the agent let in as operators (:class:`agent.api.RoomPass`)."""
_FRAME_MS = 20
_HELD_FRAMES = 50
_OURS = 8
_MOST_VOICES = 16
_CLOSE_S = 0.5


class _Voice:
    """One track, from when it is subscribed to."""

    def __init__(self, track: rtc.Track, caller: bool) -> None:
        self.caller = caller
        self.ear = Ear()
        self._stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=_FRAME_MS, capacity=_HELD_FRAMES
        )
        self._task = asyncio.create_task(self._hear(), name="room voice")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._stream.aclose()

    async def _hear(self) -> None:
        async for event in self._stream:
            # When it came stands for when it crossed the wire: WebRTC tells no other time.
            self.ear.push(event.frame.data.cast("B"), RATE, time.monotonic_ns() // 1000)


class RoomVoices:
    """Follows one room after the other. ``ours`` are identities of our own, whose voice would come back as an
    echo."""

    def __init__(self) -> None:
        self.ours: deque[str] = deque(maxlen=_OURS)
        self._room: rtc.Room | None = None
        self._given: RoomPass | None = None
        self._voices: dict[str, _Voice] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def follow(self, room: rtc.Room, given: RoomPass) -> None:
        """Hear ``room``, which is about to be joined, and no other any more."""
        self.clear()
        self._room, self._given = room, given

        def published(publication: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant) -> None:
            self._want(publication, who)

        def subscribed(track: rtc.Track, publication: Any, who: rtc.RemoteParticipant) -> None:
            self._hear(room, track, publication.sid, who)

        def gone(_track: Any, publication: Any, _who: Any) -> None:
            self._drop(publication.sid)

        room.on("track_published", published)
        room.on("track_subscribed", subscribed)
        room.on("track_unsubscribed", gone)

    def subscribe(self) -> None:
        """The room is joined: ask for what is published already."""
        for who in self._room.remote_participants.values() if self._room is not None else ():
            for publication in who.track_publications.values():
                self._want(publication, who)

    def clear(self) -> None:
        """Hear nothing."""
        self._room = self._given = None
        for sid in list(self._voices):
            self._drop(sid)

    async def close(self) -> None:
        self.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    def take(self, *, caller: bool) -> Samples | None:
        """The next int16[960] of the caller, or of everybody else; None is silence."""
        blocks = [block for voice in self._of(caller) if (block := voice.ear.take()) is not None]
        return mix(blocks)

    def level_db(self, *, caller: bool) -> int:
        """The loudest since the last time."""
        return max((voice.ear.level.take() for voice in self._of(caller)), default=SILENCE_DB)

    @property
    def buffer_s(self) -> float:
        return max((voice.ear.buffer.depth_s for voice in self._voices.values()), default=0.0)

    @property
    def missed_s(self) -> float:
        buffers = [voice.ear.buffer for voice in self._voices.values()]
        return sum(one.filled_s + one.late_s for one in buffers)

    def _of(self, caller: bool) -> Iterable[_Voice]:
        return [voice for voice in self._voices.values() if voice.caller is caller]

    def _want(self, publication: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant) -> None:
        if publication.kind == rtc.TrackKind.KIND_AUDIO and self._is_heard(who):
            publication.set_subscribed(True)

    def _is_heard(self, who: rtc.RemoteParticipant) -> bool:
        given = self._given
        if given is None or who.identity in self.ours:
            return False
        return who.identity in (given.caller, given.agent) or OPERATOR_ATTRIBUTE in who.attributes

    def _hear(self, room: rtc.Room, track: rtc.Track, sid: str, who: rtc.RemoteParticipant) -> None:
        if room is not self._room or self._given is None or not self._is_heard(who):
            return
        self._drop(sid)
        if len(self._voices) < _MOST_VOICES:
            self._voices[sid] = _Voice(track, caller=who.identity == self._given.caller)

    def _drop(self, sid: str) -> None:
        voice = self._voices.pop(sid, None)
        if voice is not None:
            task = asyncio.create_task(voice.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
