"""An operator who speaks in the LiveKit room of a call: a visible participant, whom everybody there hears."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from agent.api import RoomPass
from console.sound.link import Devices
from console.sound.protocol import Listen
from console.sound.room_link import TAKEN_OUT, RoomLink
from console.sound.room_microphone import RoomMicrophone

_OUT = "You are no longer on the line."


class Owner(Protocol):
    """Who is told; nothing here may wait."""

    def voice_joining(self, identity: str) -> None: ...

    def voice_heard(self) -> None:
        """The microphone is in the room, for the first time or again."""

    def voice_lost(self, reason: str) -> None:
        """It is not for a while."""

    def voice_left(self, reason: str) -> None:
        """It will not be any more: the call is back with the agent, or over, or the room does not let it in."""

    def voice_failed(self, reason: str) -> None: ...


class RoomVoice:
    """From :meth:`start` to :meth:`close`."""

    def __init__(self, order: Listen, engine: Devices, owner: Owner) -> None:
        self._engine, self._owner = engine, owner
        self._link = RoomLink(order, "speak", self)
        self._microphone: RoomMicrophone | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = self._over = False

    @property
    def in_room(self) -> bool:
        """Whether the microphone is heard in the room."""
        return self._heard

    def start(self) -> None:
        self._link.start()

    async def close(self) -> None:
        self._over = True
        self._let_go()
        await self._link.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def joining(self, room: rtc.Room, given: RoomPass) -> None:
        self._let_go()
        self._owner.voice_joining(given.identity)

    def joined(self) -> None:
        if self._microphone is None:
            self._microphone = RoomMicrophone(self._owner.voice_failed)
            self._publishing = self._beside(self._publish(self._microphone))
        else:
            # LiveKit's client publishes again by itself what it had published.
            self._open(self._microphone)

    def lost(self, reason: str) -> None:
        self._heard = False
        if self._microphone is not None:
            self._engine.remove_sink(self._microphone)
        if not self._over:
            self._owner.voice_lost(reason)

    def left(self, reason: str) -> None:
        self._let_go()
        if not self._over:
            self._owner.voice_left(_OUT if reason == TAKEN_OUT else reason)

    def refused(self, reason: str) -> None:
        self.left(reason)

    async def _publish(self, microphone: RoomMicrophone) -> None:
        room = self._link.room
        if room is None:
            return
        try:
            await microphone.publish(room)
        except PublishTrackError as error:
            if self._link.room is room:
                self._link.stop()
                self.left(f"The room does not take your microphone ({error.message}).")
            return
        if self._microphone is microphone and not self._over:
            self._open(microphone)

    def _open(self, microphone: RoomMicrophone) -> None:
        self._heard = True
        self._engine.add_sink(microphone)
        self._owner.voice_heard()

    def _let_go(self) -> None:
        self._heard = False
        if self._publishing is not None:
            # LiveKit's client never answers about a track whose room was left meanwhile.
            self._publishing.cancel()
        microphone, self._microphone = self._microphone, None
        if microphone is not None:
            self._engine.remove_sink(microphone)
            self._beside(microphone.close())

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
