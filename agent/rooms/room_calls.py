"""Calls in LiveKit rooms: how each is dialled, taken from the worker, heard, and ended with its room."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

from livekit.agents.job import RunningJobInfo

from agent import api, events
from agent.call import Call
from agent.calls import Calls
from agent.carriers import CarrierError
from agent.carriers.line_codec import LineFormat
from agent.events import Event
from agent.limits import Refused
from agent.rooms import people
from agent.rooms.hidden_ears import MOST_LISTENERS, HiddenEars
from agent.rooms.livekit_server import CALLEE, DialFailed, LiveKitServer
from agent.rooms.operator_track import OperatorTracks
from agent.rooms.passes import Passes
from agent.rooms.people import People
from agent.rooms.room_call import CannotEnter, RoomCall
from agent.rooms.room_line import RATE
from agent.rooms.worker import Worker
from agent.settings import Rooms, Settings
from agent.stream import EventStream

_JOB_S: Final = 15.0
"""So long after a dispatch the agent must be in the room: a server does not tell that it found no worker."""
_CALLER_S: Final = 30.0
_ANSWER_S: Final = 60.0
_GONE_S: Final = 3.0
_LAST_AUDIO_S: Final = 0.3
"""What the agent said last is on its way for so long after the track played it."""


@dataclass(slots=True, eq=False)
class _Placed:
    """A call that we dial: its room once the worker has brought us there, and whether it was answered."""

    call: Call
    room: asyncio.Future[RoomCall]
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class RoomCalls:
    """LiveKit as the carrier of ``calls``. Made on the agent's loop."""

    def __init__(self, settings: Settings, rooms: Rooms, calls: Calls, stream: EventStream) -> None:
        self._settings, self._rooms, self._calls, self._stream = settings, rooms, calls, stream
        self._server = LiveKitServer(rooms)
        self._passes = Passes(rooms)
        self._placed: dict[str, _Placed] = {}
        self._up: dict[str, RoomCall] = {}
        self._ears = HiddenEars(self._server, self._passes, calls)
        self.worker = Worker(
            rooms, self._check, self._serve, settings.max_calls, self._stream.emit, self._stream.emit_live
        )
        calls.step_in.on_released = self._released
        calls.listeners.elsewhere = self._hidden

    def start(self) -> None:
        """Take jobs from now on."""
        self.worker.start()

    async def stop(self) -> None:
        """Leave the server; the calls have been ended."""
        await self._ears.close()
        await self.worker.stop()
        await self._server.close()

    async def dial(self, request: api.DialRequest) -> Call:
        """Place a call; it returns once its room is there with the agent in it, and the number is being dialled.

        Raises:
            Refused: the number, the settings or a limit forbid it, the agent is not registered or too busy, or the
                server or its trunk cannot do it.
        """
        settings, calls = self._settings, self._calls
        problems = settings.problems(calls.voice, "livekit")
        await self.worker.settled(_JOB_S)
        if problems or self.worker.trouble:
            raise Refused((problems or [self.worker.trouble])[0], 503)
        number = await calls.check_dial(request.to)
        if self.worker.busy:
            raise Refused(self.worker.busy, 503)
        try:
            trunk = await self._server.trunk()
        except CarrierError as error:
            raise Refused(f"{error} {error.fix}".strip(), 502) from error
        from_ = request.from_ or _own_number(settings.phone_number, list(trunk.numbers))
        if not from_:
            raise Refused(
                "The outbound trunk has no number to call from: give one to the trunk or to the call.", 502
            )
        calls.check_room()
        limit_s = calls.time_limit_s(request.time_limit_s)
        call = self._begin("outbound", from_, number, dict(request.parameters), limit_s)
        name = f"{self._rooms.agent_name}-{call.id}"
        call.drop = lambda: self._drop(call, name)
        calls.emit(call, events.OperatorActed(who=request.who, action="dial", detail=number))
        placed = self._placed[call.id] = _Placed(call, asyncio.get_running_loop().create_future())
        self._tell_room(call, name, trunk.sip_trunk_id)
        try:
            await self._server.open_room(name, call.id)
            async with asyncio.timeout(_JOB_S):
                await asyncio.shield(placed.room)
        except (CarrierError, TimeoutError) as error:
            await self._failed(call, name, error)
        if call.outcome is not None:
            raise Refused("The call was hung up before it was dialled.", 409)
        calls.watch(call, ring_s=settings.ring_s)
        calls.spawn(self._dial(placed, name, trunk.sip_trunk_id))
        return call

    async def let_in(self, call: Call, request: api.RoomPassRequest) -> api.RoomPass:
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
            if call not in self._placed:
                raise Refused(f"The call {call} was dialled by another agent of this name, or is over.")
            return True
        waiting = sum(room.operators.call is None for room in self._up.values())
        self._calls.check_room(self.worker.coming + waiting)
        return False

    async def _serve(self, info: RunningJobInfo) -> None:
        """Be in a job's room until the call is over, then end the room."""
        name = info.job.room.name
        if name in self._up:
            return
        placed = self._placed.get(_call_of(info.job.metadata))
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
            told = events.Error(
                where="line", message=str(error), fix="Check that the server's media ports are open."
            )
            self._stream.emit(told, call.id if call is not None else "")
        finally:
            del self._up[name]
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
        from_, to = people.numbers(caller)
        call = self._begin("inbound", from_, to, {}, self._calls.time_limit_s(None))
        room.operators.call = call
        call.drop = lambda: self._drop(call, room.name)
        sip = people.sip_attributes(caller)
        self._tell_room(call, room.name, sip.get("trunkID", ""), sip.get("ruleID", ""))
        room.tell(lambda event: self._of_room(call, event))
        self._calls.watch(call, ring_s=0)
        return call

    async def _talk(self, call: Call, room: RoomCall, answered: asyncio.Event) -> None:
        """Wait for the answer, and let the agent talk until the line is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_S + self._settings.ring_s):
                await _first(answered.wait(), room.gone.wait(), call.over.wait())
        if not answered.is_set() or room.gone.is_set() or call.outcome is not None:
            return
        self._calls.answered(call)
        room.line.on_live = lambda event: self._stream.emit_live(event, call.id)
        room.line.open(lambda event: self._calls.emit(call, event), room.identity)
        await self._calls.converse(call, room.line)

    async def _close(self, call: Call | None, room: RoomCall) -> None:
        """Leave and end the room, whatever happened in it."""
        await room.line.finish()
        try:
            await self._server.delete_room(room.name)
        except CarrierError as error:
            event = events.Error(where="line", message=str(error), fix=error.fix, code=error.code)
            self._stream.emit(event, call.id if call is not None else "")
        await room.leave()
        self._passes.forget(room.name)
        self._ears.forget(room.name)
        if call is not None:
            placed = self._placed.pop(call.id, None)
            if placed is not None and not call.answered and not call.over.is_set():
                # The dialling tells best why it was not answered.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(call.over.wait(), _GONE_S)
            self._calls.end(
                call, call.cause or ("media_lost" if call.answered else "no_answer"), call.ended_by or "carrier"
            )

    async def _dial(self, placed: _Placed, name: str, trunk: str) -> None:
        """Call the number; the SIP call's end without an answer is the call's."""
        call, began = placed.call, time.monotonic()
        try:
            sip_call = await self._server.dial(
                name, trunk, call.to, call.from_, self._settings.ring_s, call.time_limit_s
            )
        except DialFailed as error:
            if call.ended_by or call.cause or call.outcome is not None:
                cause = call.cause or "originator_cancel"
                self._calls.end(call, cause, call.ended_by or "agent", sip=error.failure.sip)
            else:
                failure = error.failure
                self._calls.emit(call, events.Error(where="line", message=failure.what, fix=failure.fix))
                self._calls.end(call, failure.cause, failure.source, sip=failure.sip, detail=failure.detail)
            with contextlib.suppress(CarrierError):
                await self._server.delete_room(name)
            return
        took = round((time.monotonic() - began) * 1000)
        self._calls.emit(call, events.CallPlaced(call_control_id=sip_call, took_ms=took))
        placed.answered.set()
        room = placed.room.result()
        if room.gone.is_set():
            # They put the receiver down in the moment that they had lifted it.
            self._calls.answered(call)
            self._gone(call, room)

    async def _failed(self, call: Call, name: str, error: Exception) -> None:
        """There is no room, or no agent in it: the call is over before anybody was dialled."""
        fix = error.fix if isinstance(error, CarrierError) else "Check that no other agent uses the same name."
        what = str(error) or f"LiveKit gave the room {name} to no agent within {_JOB_S:.0f} s."
        self._calls.emit(call, events.Error(where="line", message=what, fix=fix))
        self._calls.end(call, "dial_failed", "carrier", detail=what)
        self._placed.pop(call.id, None)
        with contextlib.suppress(CarrierError):
            await self._server.delete_room(name)
        raise Refused(what, 502) from error

    async def _drop(self, call: Call, name: str) -> None:
        """End a call by ending its room."""
        room = self._up.get(name)
        if call.in_media and call.ended_by == "agent":
            await asyncio.sleep(_LAST_AUDIO_S)
        await self._server.delete_room(name)
        if room is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(room.gone.wait(), _GONE_S)
            room.left_behind("room_deleted")

    def _gone(self, call: Call, room: RoomCall) -> None:
        """The caller or we are out of the room."""
        placed = self._placed.get(call.id)
        if placed is not None and not placed.answered.is_set():
            return
        reason = room.reason
        orderly = reason in ("client_initiated", "room_deleted", "room_closed", "participant_removed")
        cause = call.cause or ("normal_clearing" if orderly or reason.startswith("user_") else reason)
        source = call.ended_by or (call.other_side() if reason != "room_deleted" else "carrier")
        detail = "" if cause != reason else f"LiveKit ended the call: {reason.replace('_', ' ')}."
        self._calls.end(call, cause, source, detail=detail)

    def _begin(
        self, direction: events.Direction, from_: str, to: str, parameters: dict[str, str], limit: int
    ) -> Call:
        media = LineFormat("L16", RATE)
        return self._calls.begin(Call(direction, from_, to, parameters, limit, media, carrier="livekit"))

    def _tell_room(self, call: Call, name: str, trunk: str, rule: str = "") -> None:
        told = events.RoomOpened(
            room=name, url=self._rooms.url, agent_name=self._rooms.agent_name, trunk=trunk, rule=rule
        )
        self._calls.emit(call, told)

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
                self._stream.emit(events.Error(where="line", message=str(error), fix=error.fix))

        self._calls.spawn(remove())


def _call_of(metadata: str) -> str:
    """The call that a job's metadata names: only our own dispatches do."""
    try:
        named = json.loads(metadata or "{}")
    except ValueError:
        return ""
    call = named.get("call") if isinstance(named, dict) else None
    return call if isinstance(call, str) else ""


def _own_number(wanted: str, numbers: list[str]) -> str:
    """What to call from: the number of the settings where the trunk has it, or may have any, else its first."""
    own = [number for number in numbers if number and number != "*"]
    return wanted if wanted and (wanted in own or not own) else (own or [""])[0]


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
