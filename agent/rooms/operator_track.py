"""Operators who are in sight in a room: their voices, which the caller hears from the room, and their presence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import numpy as np
from livekit import rtc

from agent.call import Call
from agent.rooms.passes import Holder
from agent.rooms.room_line import FRAME_MS, RATE, RoomLine
from agent.stepping_in import StepIn

_MOST_WAITING = 50


class OperatorTracks:
    """Those of one room. The link of an operator is their being in the room: the agent takes the call back when
    it is gone.

    Args:
        step_in: where what they do to calls is kept.
        holder: the pass of a participant.
        put_out: has one removed who does not hold the call, so that the caller hears no one unbidden.
    """

    def __init__(
        self,
        step_in: StepIn,
        holder: Callable[[rtc.Participant], Holder | None],
        put_out: Callable[[str], object],
    ) -> None:
        self.call: Call | None = None
        self._step_in, self._holder, self._put_out = step_in, holder, put_out
        self._there: dict[str, str] = {}
        self._ears: dict[str, asyncio.Task[None]] = {}

    def came(self, participant: rtc.RemoteParticipant) -> None:
        """An operator is in sight."""
        holder = self._holder(participant)
        if holder is None or self.call is None or self._step_in.holder(self.call) != holder.who:
            self._put_out(participant.identity)
            return
        self._there[participant.identity] = holder.who
        self._step_in.link_opened(self.call, holder.who)
        self._step_in.speak(self.call, holder.who, "caller")

    def went(self, participant: rtc.RemoteParticipant) -> None:
        self.silent(participant)
        who = self._there.pop(participant.identity, None)
        if who is not None and self.call is not None:
            self._step_in.link_closed(self.call, who)

    def speaks(self, participant: rtc.RemoteParticipant, track: rtc.Track, line: RoomLine) -> None:
        """An operator's microphone is to be heard."""
        self.silent(participant)
        who = self._there.get(participant.identity)
        if who is not None:
            self._ears[participant.identity] = asyncio.create_task(self._hear(who, track, line), name="operator")

    def silent(self, participant: rtc.RemoteParticipant) -> None:
        ear = self._ears.pop(participant.identity, None)
        if ear is not None:
            ear.cancel()

    def released(self, who: str) -> None:
        """``who`` holds the call no more: the caller is not to hear them from the room."""
        for identity, name in self._there.items():
            if name == who:
                self._put_out(identity)

    async def close(self) -> None:
        """The room is over."""
        ears = list(self._ears.values())
        self._ears.clear()
        for ear in ears:
            ear.cancel()
        if ears:
            await asyncio.wait(ears)
        there, self._there = self._there, {}
        if self.call is not None:
            for who in there.values():
                self._step_in.link_closed(self.call, who)

    async def _hear(self, who: str, track: rtc.Track, line: RoomLine) -> None:
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=FRAME_MS, capacity=_MOST_WAITING
        )
        try:
            async for event in stream:
                call = self.call
                if call is None or self._step_in.holder(call) != who:
                    continue
                line.operator_heard(np.frombuffer(event.frame.data, np.int16))
                self._step_in.microphone(call, who, bytes(event.frame.data), to_caller=False)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await stream.aclose()
