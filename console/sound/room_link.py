"""One participant of ours in the LiveKit room of a call, joined anew with a new pass whenever it was lost."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal, Protocol
from urllib.parse import urlsplit

from livekit import rtc

from agent.api import RoomPass, RoomPassRequest
from console.sound import room_pass
from console.sound.protocol import Listen
from console.sound.room_log import keep_tokens_out

To = Literal["listen", "speak"]

_PAUSES_S = (0.2, 0.5, 1.0, 1.0, 2.0)
_CONNECT_S = 5.0
_JOIN_S = 15.0
_LEAVE_S = 0.7
OVER = "The call is over."
TAKEN_OUT = "You were taken out of the call's room."
_ENDS = (rtc.DisconnectReason.ROOM_DELETED, rtc.DisconnectReason.ROOM_CLOSED)
_OUT: dict[int, str] = {
    rtc.DisconnectReason.PARTICIPANT_REMOVED: TAKEN_OUT,
    rtc.DisconnectReason.DUPLICATE_IDENTITY: "Somebody else took your place in the call's room.",
}


keep_tokens_out()
_leaving: set[asyncio.Task[None]] = set()


class RoomFace(Protocol):
    """Who is in a room; nothing here may wait."""

    def joining(self, room: rtc.Room, given: RoomPass) -> None:
        """``room`` is about to be joined: its events may be listened to."""

    def joined(self) -> None:
        """The room is there, for the first time or again."""

    def lost(self, reason: str) -> None:
        """The room is gone, said once until it is there again; another try follows."""

    def left(self, reason: str) -> None:
        """There will be no room any more; the link has ended."""

    def refused(self, reason: str) -> None:
        """The agent gives no pass; the link has ended."""


class RoomLink:
    """``order`` names the call, its agent and the operator. Nothing is subscribed to by itself.

    A short break is mended by LiveKit's client, which keeps its place and what is published; it is told all the
    same.
    """

    def __init__(self, order: Listen, to: To, face: RoomFace) -> None:
        self._order, self._face = order, face
        self._request = RoomPassRequest(to=to, who=order.who)
        self.room: rtc.Room | None = None
        """The room while it is there."""
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"room to {self._request.to}")
        self._task.add_done_callback(self._failed)

    def stop(self) -> None:
        """Leave the room soon, and join none again."""
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            _leaving.add(task)
            task.add_done_callback(_leaving.discard)

    async def close(self) -> None:
        """As :meth:`stop`, and wait for it, but not for a server that does not answer."""
        self.stop()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_LEAVE_S)

    def _failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._face.left(f"The call's room failed ({error!r}): report this.")

    async def _run(self) -> None:
        failures = 0
        while True:
            joined, reason = False, ""
            try:
                given = await room_pass.ask(self._order, self._request)
                joined, reason = await self._in_room(given)
            except room_pass.NoPass as error:
                self._face.refused(str(error))
                return
            except (_Over, room_pass.NotLetIn) as error:
                self._face.left(str(error))
                return
            except room_pass.NoAnswer as error:
                reason = str(error)
            failures = 0 if joined else failures + 1
            self._break(reason)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])

    async def _in_room(self, given: RoomPass) -> tuple[bool, str]:
        """Join and stay; whether that was possible, and why it ended."""
        room = rtc.Room()
        gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def disconnected(reason: int) -> None:
            if not gone.done():
                gone.set_result(reason)

        room.on("disconnected", disconnected)
        room.on("reconnecting", lambda: self._break("The connection to the call's room broke off."))
        room.on("reconnected", self._joined)
        self._face.joining(room, given)
        where = urlsplit(given.url).netloc
        joining = asyncio.create_task(_join(room, given))
        try:
            # A join that is given up half way would leave somebody behind in the room.
            await asyncio.shield(joining)
        except rtc.ConnectError as error:
            # Its text may hold the token.
            why = ": it refuses the agent's pass" if "401" in error.message else ""
            return False, f"The call's room at {where} cannot be joined{why}."
        except TimeoutError:
            return False, f"LiveKit at {where} did not answer within {_JOIN_S:.0f} s."
        except asyncio.CancelledError:
            with contextlib.suppress(rtc.ConnectError, TimeoutError):
                await joining
                await _leave(room)
            raise
        try:
            self.room = room
            self._joined()
            reason = await gone
        finally:
            self.room = None
            await _leave(room)
        if reason in _ENDS:
            raise _Over(OVER)
        if reason in _OUT:
            raise _Over(_OUT[reason])
        return True, f"The connection to the call's room at {where} broke off."

    def _joined(self) -> None:
        self._lost = False
        self._face.joined()

    def _break(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._face.lost(reason)


class _Over(Exception):
    """Joining again would not help."""


async def _join(room: rtc.Room, given: RoomPass) -> None:
    options = rtc.RoomOptions(auto_subscribe=False, connect_timeout=_CONNECT_S)
    async with asyncio.timeout(_JOIN_S):
        await room.connect(given.url, given.token, options)


async def _leave(room: rtc.Room) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LEAVE_S):
            await room.disconnect()
