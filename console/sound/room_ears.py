"""An operator's ears and voice in a call that is in a LiveKit room: hidden to listen, and visible, as a second
participant, to speak to the caller. The agent alone is spoken to over its WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from livekit import rtc

from agent.api import RoomPass
from console.sound.link import Devices
from console.sound.protocol import Listen, Listening, ListeningStats, Report, Trouble
from console.sound.room_delay import RoomDelay
from console.sound.room_link import OVER, RoomLink
from console.sound.room_voice import RoomVoice
from console.sound.room_voices import RoomVoices
from console.sound.whisper import Whisper

Samples = npt.NDArray[np.int16]
Target = Literal["nobody", "caller", "agent"]
_STATS_S = 1.0
FallBack = Callable[[Listen, Target, str], object]
"""Hear the call through its agent; the target of the microphone, and in one sentence why."""


class RoomEars:
    """One call: a source, and a sink while its operator speaks. ``fall_back`` takes over where the agent gives no
    pass; this has ended then."""

    def __init__(
        self, order: Listen, engine: Devices, report: Callable[[Report], object], fall_back: FallBack
    ) -> None:
        self._order, self.ears = order, order.ears
        self._engine, self._report, self._fall_back = engine, report, fall_back
        self._voices, self._delay = RoomVoices(), RoomDelay()
        self._link = RoomLink(order, "listen", self)
        self._target: Target = "nobody"
        self._voice: RoomVoice | None = None
        self._whisper: Whisper | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._seconds: asyncio.Task[None] | None = None
        self.over = False

    def start(self) -> None:
        self._link.start()
        self._seconds = asyncio.create_task(self._every_second(), name="listening-stats")

    async def close(self) -> None:
        if not self.over:
            self._end("")
        await self._link.close()
        await self._voices.close()
        if self._closing:
            await asyncio.wait(self._closing)

    def speak(self, to: Target) -> None:
        if to == self._target:
            self.tell()
            return
        self._hush()
        self._target = to
        if to == "caller":
            self._voice = RoomVoice(self._order, self._engine, self)
            self._voice.start()
        elif to == "agent":
            self._whisper = Whisper(self._order, self._engine, self._whispered)
            self._whisper.start()
        self.tell()

    def tell(self) -> None:
        """Say again how it is."""
        if self._link.room is not None:
            self._report(Listening(call=self._order.call, state="open", speaking=self._speaking))

    @property
    def _speaking(self) -> Target:
        """Where the microphone is heard now."""
        heard = self._voice is not None and self._voice.in_room
        return self._target if self._target != "caller" or heard else "nobody"

    def take(self) -> Samples | None:
        caller, agent = self._voices.take(caller=True), self._voices.take(caller=False)
        if caller is None and agent is None:
            return None
        silence = np.zeros_like(agent if caller is None else caller)
        left, right = silence if caller is None else caller, silence if agent is None else agent
        if self.ears == "mix":
            left = right = np.clip(left.astype(np.int32) + right, -32768, 32767).astype(np.int16)
        return np.stack([left, right], axis=1)

    def joining(self, room: rtc.Room, given: RoomPass) -> None:
        self._voices.follow(room, given)

    def joined(self) -> None:
        self._voices.subscribe()
        self._engine.add_source(self)
        self.tell()

    def lost(self, reason: str) -> None:
        if not self.over:
            self._engine.remove_source(self)
            self._tell_lost(reason)

    def left(self, reason: str) -> None:
        if not self.over:
            self._end(reason)

    def refused(self, reason: str) -> None:
        """The call may be over, which the agent's WebSocket says."""
        if not self.over:
            target = self._target
            self._finish()
            self._fall_back(self._order, target, reason)

    def voice_joining(self, identity: str) -> None:
        self._voices.ours.append(identity)

    def voice_heard(self) -> None:
        self.tell()

    def voice_lost(self, reason: str) -> None:
        if not self.over:
            self._tell_lost(f"The caller does not hear you: {reason}")

    def voice_left(self, reason: str) -> None:
        if not self.over and reason != OVER:
            self._hush()
            self._report(Listening(call=self._order.call, state="open", message=reason))

    def voice_failed(self, reason: str) -> None:
        self._report(Trouble(message=reason))

    def _whispered(self, problem: str) -> None:
        if problem and not self.over:
            self._report(Trouble(message=f"The agent does not hear your whisper: {problem}"))

    def _tell_lost(self, reason: str) -> None:
        self._report(Listening(call=self._order.call, state="lost", speaking=self._target, message=reason))

    def _end(self, reason: str) -> None:
        self._finish()
        self._report(Listening(call=self._order.call, state="closed", message=reason))

    def _finish(self) -> None:
        self.over = True
        self._hush()
        self._engine.remove_source(self)
        if self._seconds is not None:
            self._seconds.cancel()
        self._link.stop()
        self._close_soon(self._voices)

    def _hush(self) -> None:
        voice, self._voice = self._voice, None
        whisper, self._whisper = self._whisper, None
        self._target = "nobody"
        for one in (voice, whisper):
            if one is not None:
                self._close_soon(one)

    def _close_soon(self, one: RoomVoice | Whisper | RoomVoices) -> None:
        task = asyncio.create_task(one.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _every_second(self) -> None:
        while True:
            await asyncio.sleep(1)
            room = self._link.room
            if room is None:
                continue
            try:
                async with asyncio.timeout(_STATS_S):
                    await self._delay.look(room)
            except (RuntimeError, TimeoutError):
                # It was left in this moment.
                continue
            self._report(self._stats())

    def _stats(self) -> ListeningStats:
        voices, delay = self._voices, self._delay
        behind_s = delay.behind_s + voices.buffer_s
        return ListeningStats(
            call=self._order.call,
            behind_ms=round(behind_s * 1000 + self._engine.speaker_delay_ms),
            estimated=True,
            buffer_ms=round(voices.buffer_s * 1000),
            lost_ms=round((voices.missed_s + delay.concealed_s) * 1000),
            level_caller=voices.level_db(caller=True),
            level_agent=voices.level_db(caller=False),
        )
