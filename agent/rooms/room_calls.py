"""Calls in LiveKit rooms: how each is taken from the worker, heard, and ended with its room."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable
from typing import Final

from livekit.agents.job import RunningJobInfo

from agent import api, events
from agent.call import Call
from agent.calls import Calls
from agent.carriers import CarrierError
from agent.events import Event
from agent.limits import Refused
from agent.rooms import people
from agent.rooms.dialling import Dialling
from agent.rooms.hidden_ears import MOST_LISTENERS, HiddenEars
from agent.rooms.livekit_server import CALLEE, LiveKitServer
from agent.rooms.operator_track import OperatorTracks
from agent.rooms.passes import Passes
from agent.rooms.people import People
from agent.rooms.room_call import MEDIA, ORDERLY, CannotEnter, RoomCall, by_caller
from agent.rooms.worker import Worker
from agent.settings import Rooms, Settings
from agent.stream import EventStream

_CALLER_S: Final = 30.0
_GONE_S: Final = 3.0
_LAST_AUDIO_S: Final = 0.3
"""What the agent said last is on its way for so long after the track played it."""


class RoomCalls:
    """LiveKit as the carrier of ``calls``. Made on the agent's loop."""

    def __init__(self, settings: Settings, rooms: Rooms, calls: Calls, stream: EventStream) -> None:
        self._rooms, self._calls, self._stream = rooms, calls, stream
        self._server = LiveKitServer(rooms)
        self._passes = Passes(rooms)
        self._up: dict[str, RoomCall] = {}
        self._ears = HiddenEars(self._server, self._passes, calls)
        self.worker = Worker(
            rooms, self._check, self._serve, settings.max_calls, self._stream.emit, self._stream.emit_live
        )
        self._dialling = Dialling(
            settings, rooms, calls, self._server, self.worker, self._check_places, self._begin, self._end_room
        )
        self.dial = self._dialling.dial
        calls.step_in.on_released = self._released
        calls.listeners.elsewhere = self._hidden

    def start(self) -> None:
        """Take jobs from now on."""
        self.worker.start()

    async def stop(self) -> None:
        """Leave the server; the calls have been ended."""
        await self._ears.close()
        for room in self._up.values():
            # One that nobody has come into has no call that could have been ended.
            room.left_behind("room_deleted")
        await self.worker.stop()
        await self._server.close()

    def let_in(self, call: Call, request: api.RoomPassRequest) -> api.RoomPass:
        """A way into the call's room for an operator.

        Raises:
            Refused: the call is in no room, too many listen, or who has not taken the call over wants to speak.
        """
        room = self._room_of(call)
        if room is None or not room.entered or room.gone.is_set():
            raise Refused(f"The call {call.id} is in no LiveKit room now.", 409)
        if request.to == "speak" and self._calls.step_in.holder(call) != request.who:
            raise Refused("Take the call over first: only who holds it may speak to the caller.", 409)
        if request.to == "listen" and self._ears.listeners(room.name) >= MOST_LISTENERS:
            raise Refused(f"{MOST_LISTENERS} operators listen to the call {call.id} already.", 429)
        caller = room.caller.identity if room.caller is not None else CALLEE
        given = self._passes.give(room.name, request.to, request.who, caller, room.identity)
        if request.to == "listen":
            self._ears.watch(call, room.name)
        return given

    async def end_orphan(self, room: str) -> None:
        """End the room of a call that an earlier run of the agent left behind.

        Raises:
            CarrierError: it may be up still.
        """
        await self._server.delete_room(room)

    def _check(self, room: str, metadata: str) -> bool:
        """Whether a job is for a call that we placed.

        Raises:
            Refused: it is for another agent's call, we are in its room, or there is no place for one more.
        """
        if room in self._up:
            raise Refused(f"The agent is in the room {room} already.")
        call = _call_of(metadata)
        if call:
            placed = self._dialling.placed(call)
            if placed is None or placed.name != room:
                raise Refused(f"The call {call} was dialled by another agent of this name, or is over.")
            return True
        self._check_places()
        return False

    def _check_places(self) -> None:
        waiting = sum(room.operators.call is None for room in self._up.values())
        self._calls.check_room(self.worker.coming + waiting)

    async def _serve(self, info: RunningJobInfo) -> None:
        """Be in a job's room until the call is over, then end the room."""
        name, named = info.job.room.name, _call_of(info.job.metadata)
        placed = self._dialling.placed(named)
        if name in self._up or (named and placed is None):
            return
        kinds = People(name, self._passes, CALLEE if placed is not None else "")
        operators = OperatorTracks(self._calls.step_in, kinds.operator, lambda who: self._put_out(name, who))
        room = RoomCall(name, kinds, operators)
        self._up[name] = room
        call = operators.call = placed.call if placed is not None else None
        try:
            await room.join(info.url, info.token)
            if placed is not None:
                room.tell(lambda event: self._of_room(placed.call, event))
                if not placed.room.done():
                    placed.room.set_result(room)
            else:
                call = await self._incoming(room)
            if call is not None:
                room.on_gone = lambda: self._gone(call, room)
                if room.gone.is_set():
                    self._gone(call, room)
                await self._talk(call, room, placed.answered if placed is not None else room.active)
        except CannotEnter as error:
            if placed is not None and not placed.room.done():
                placed.room.set_exception(error)
            else:
                self._trouble(error, call)
        finally:
            await self._close(call, room)

    async def _incoming(self, room: RoomCall) -> Call | None:
        """The call of the first who may be a caller, None when nobody comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CALLER_S):
                await _first(room.caller_came.wait(), room.gone.wait())
        caller = room.caller
        if caller is None:
            if not room.gone.is_set():
                message = f"Nobody came into the room {room.name} within {_CALLER_S:.0f} s, so it was ended."
                self._stream.emit(events.Error(where="line", message=message))
            return None
        (from_, to), sip = people.numbers(caller), people.sip_attributes(caller)
        call = Call("inbound", from_, to, {}, self._calls.time_limit_s(None), MEDIA, carrier="livekit")
        room.operators.call = call
        self._begin(call, room.name, sip.get("trunkID", ""), sip.get("ruleID", ""))
        room.tell(lambda event: self._of_room(call, event))
        self._calls.watch(call, ring_s=0)
        return call

    async def _talk(self, call: Call, room: RoomCall, answered: asyncio.Event) -> None:
        """Wait for the answer, and let the agent talk until the line is over."""
        await _first(answered.wait(), room.gone.wait(), call.over.wait())
        if not answered.is_set() or room.gone.is_set() or call.outcome is not None:
            return
        self._calls.answered(call)
        room.line.on_live = lambda event: self._stream.emit_live(event, call.id)
        room.line.open(lambda event: self._calls.emit(call, event), room.identity)
        await self._calls.converse(call, room.line)

    async def _close(self, call: Call | None, room: RoomCall) -> None:
        """Leave and end the room, whatever happened in it."""
        try:
            await room.line.finish()
            await room.leave()
        finally:
            try:
                # Last, since a client that has only just entered may come back into a room that was ended.
                await self._end_room(room.name, call)
            finally:
                # From now on a room of this name is another one.
                del self._up[room.name]
                self._passes.forget(room.name)
                self._ears.forget(room.name)
        if call is None:
            return
        placed = self._dialling.forget(call)
        if placed is not None and call.outcome is None:
            # The dialling tells best why it was not answered.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GONE_S):
                    await _first(placed.answered.wait(), call.over.wait())
            if call.answered:
                # They put the receiver down in the moment that they had lifted it.
                self._gone(call, room)
        unanswered = "originator_cancel" if call.ended_by else "no_answer"
        cause = call.cause or ("media_lost" if call.answered else unanswered)
        self._calls.end(call, cause, call.ended_by or "carrier")

    async def _drop(self, call: Call, name: str) -> None:
        """End a call by ending its room."""
        if call.in_media and call.ended_by == "agent":
            await asyncio.sleep(_LAST_AUDIO_S)
        room = self._up.get(name)
        if room is not None:
            await room.withdraw()
        await self._server.delete_room(name)
        self._dialling.give_up(call)
        if room is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(room.gone.wait(), _GONE_S)
            room.left_behind("room_deleted")

    def _gone(self, call: Call, room: RoomCall) -> None:
        """The caller or we are out of the room."""
        placed = self._dialling.placed(call.id)
        if placed is not None and not placed.answered.is_set():
            return
        reason, hung_up = room.reason, by_caller(room.reason)
        cause = call.cause or ("normal_clearing" if hung_up or reason in ORDERLY else reason)
        source = call.ended_by or (call.other_side() if hung_up else "carrier")
        detail = "" if cause != reason else f"LiveKit ended the call: {reason.replace('_', ' ')}."
        self._calls.end(call, cause, source, detail=detail)

    def _begin(self, call: Call, room: str, trunk: str, rule: str = "") -> None:
        call.drop = lambda: self._drop(call, room)
        self._calls.begin(call)
        told = events.RoomOpened(
            room=room, url=self._rooms.url, agent_name=self._rooms.agent_name, trunk=trunk, rule=rule
        )
        self._calls.emit(call, told)

    async def _end_room(self, room: str, call: Call | None) -> None:
        try:
            await self._server.delete_room(room)
        except CarrierError as error:
            self._trouble(error, call)

    def _trouble(self, error: CarrierError, call: Call | None) -> None:
        told = events.Error(where="line", message=str(error), fix=error.fix, code=error.code)
        self._stream.emit(told, call.id if call is not None else "")

    def _of_room(self, call: Call, event: Event) -> Event:
        told = self._calls.emit(call, event)
        if isinstance(event, events.RoomSip) and event.status == "ringing" and not call.answered:
            state = self._stream.calls.get(call.id)
            if call.direction == "outbound" and state is not None and state.phase == "dialing":
                self._calls.emit(call, events.CallRinging())
        return told

    def _released(self, call: Call, who: str) -> None:
        room = self._room_of(call)
        if room is not None:
            room.operators.released(who)

    def _room_of(self, call: Call) -> RoomCall | None:
        return next((room for room in self._up.values() if room.operators.call is call), None)

    def _hidden(self, call: Call) -> int:
        room = self._room_of(call)
        return self._ears.there(room.name) if room is not None else 0

    def _put_out(self, room: str, identity: str) -> None:
        async def remove() -> None:
            try:
                await self._server.remove(room, identity)
            except CarrierError as error:
                up = self._up.get(room)
                self._trouble(error, up.operators.call if up is not None else None)

        self._calls.spawn(remove())


def _call_of(metadata: str) -> str:
    """The call that a job's metadata names: only our own dispatches do."""
    try:
        named = json.loads(metadata or "{}")
    except ValueError:
        return ""
    call = named.get("call") if isinstance(named, dict) else None
    return call if isinstance(call, str) else ""


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
