"""Calls that we place: the agent is brought into a room of the call's own, and the number is called from there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from agent import api, events
from agent.call import Call
from agent.calls import Calls
from agent.carriers import CarrierError
from agent.limits import Refused
from agent.rooms.livekit_server import DialFailed, LiveKitServer
from agent.rooms.room_call import MEDIA, RoomCall
from agent.rooms.worker import Worker
from agent.settings import Rooms, Settings

_JOB_S: Final = 15.0
"""So long after a dispatch the agent must be in the room: a server does not tell that it found no worker."""


@dataclass(slots=True, eq=False)
class Placed:
    """A call that we dial: its room once the worker has brought us there, and whether it was answered."""

    call: Call
    name: str
    room: asyncio.Future[RoomCall] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Dialling:
    """What places the calls of one agent.

    Args:
        check_places: raises Refused when there is no place for one more call.
        begin: has a call begin in the room of that name, over that trunk.
        end_room: ends the room of a call; a failure is told.
    """

    def __init__(
        self,
        settings: Settings,
        rooms: Rooms,
        calls: Calls,
        server: LiveKitServer,
        worker: Worker,
        check_places: Callable[[], None],
        begin: Callable[[Call, str, str], None],
        end_room: Callable[[str, Call], Awaitable[None]],
    ) -> None:
        self._settings, self._rooms, self._calls = settings, rooms, calls
        self._server, self._worker = server, worker
        self._check_places, self._begin, self._end_room = check_places, begin, end_room
        self._placed: dict[str, Placed] = {}

    def placed(self, call: str) -> Placed | None:
        """The call of this id, if we dial it or talk in it."""
        return self._placed.get(call)

    def forget(self, call: Call) -> Placed | None:
        """The call's room is over."""
        return self._placed.pop(call.id, None)

    async def dial(self, request: api.DialRequest) -> Call:
        """Place a call; it returns once its room is there with the agent in it, and the number is being dialled.

        Raises:
            Refused: the number, the settings or a limit forbid it, the agent is not registered or too busy, or the
                server or its trunk cannot do it.
        """
        settings, calls, worker = self._settings, self._calls, self._worker
        problems = settings.problems(calls.voice, "livekit")
        if problems:
            raise Refused(problems[0], 503)
        await worker.settled(_JOB_S)
        if worker.trouble:
            raise Refused(worker.trouble, 503)
        number = await calls.check_dial(request.to)
        if worker.busy:
            raise Refused(worker.busy, 503)
        try:
            trunk = await self._server.trunk()
        except CarrierError as error:
            raise Refused(f"{error} {error.fix}".strip(), 502) from error
        from_ = request.from_ or _own_number(settings.phone_number, list(trunk.numbers))
        if not from_:
            raise Refused(
                "The outbound trunk has no number to call from: give one to the trunk or to the call.", 502
            )
        self._check_places()
        limit_s = calls.time_limit_s(request.time_limit_s)
        call = Call("outbound", from_, number, dict(request.parameters), limit_s, MEDIA, carrier="livekit")
        name = f"{self._rooms.agent_name}-{call.id}"
        placed = self._placed[call.id] = Placed(call, name)
        self._begin(call, name, trunk.sip_trunk_id)
        calls.emit(call, events.OperatorActed(who=request.who, action="dial", detail=number))
        calls.watch(call, ring_s=_JOB_S + settings.ring_s)
        try:
            await self._server.open_room(name, call.id)
            async with asyncio.timeout(_JOB_S):
                await asyncio.shield(placed.room)
        except (CarrierError, TimeoutError) as error:
            await self._failed(placed, error)
        calls.spawn(self._call(placed, trunk.sip_trunk_id))
        return call

    def give_up(self, call: Call) -> None:
        """The call is not wanted any more. Where we are in its room, the room's end tells of that as well."""
        placed = self._placed.get(call.id)
        if placed is not None and not placed.room.done():
            self._given_up(call)
            placed.room.set_exception(CarrierError("The call was hung up before it was dialled."))

    async def _call(self, placed: Placed, trunk: str) -> None:
        """Call the number; the SIP call's end without an answer is the call's."""
        call, room, began = placed.call, placed.room.result(), time.monotonic()
        if call.ended_by or call.cause:
            self._given_up(call)
            return
        if room.gone.is_set():
            self._calls.end(call, "dial_failed", "carrier", detail="The room ended before the number was called.")
            return
        try:
            sip_call = await self._server.dial(
                placed.name, trunk, call.to, call.from_, self._settings.ring_s, call.time_limit_s
            )
        except DialFailed as error:
            failure = error.failure
            if call.ended_by or call.cause or call.outcome is not None:
                self._given_up(call, failure.sip)
            else:
                self._calls.emit(call, events.Error(where="line", message=failure.what, fix=failure.fix))
                self._calls.end(call, failure.cause, failure.source, sip=failure.sip, detail=failure.detail)
            return
        if call.outcome is None:
            took = round((time.monotonic() - began) * 1000)
            self._calls.emit(call, events.CallPlaced(call_control_id=sip_call, took_ms=took))
            self._calls.answered(call)
            placed.answered.set()
        if room.gone.is_set() or call.outcome is not None:
            # A room that ended while the number was called may have begun anew, with the callee alone in it.
            await self._end_room(placed.name, call)

    def _given_up(self, call: Call, sip: str = "") -> None:
        self._calls.end(call, call.cause or "originator_cancel", call.ended_by or "agent", sip=sip)

    async def _failed(self, placed: Placed, error: Exception) -> NoReturn:
        """There is no room, or no agent in it: the call is over before anybody was dialled."""
        call, what = placed.call, str(error)
        placed.room.cancel()
        if call.outcome is None:
            what = what or f"LiveKit gave the room {placed.name} to no agent within {_JOB_S:.0f} s."
            fix = error.fix if isinstance(error, CarrierError) else "Check that no other agent uses the same name."
            self._calls.emit(call, events.Error(where="line", message=what, fix=fix))
            self._calls.end(call, "dial_failed", "carrier", detail=what)
            refused = Refused(what, 502)
        else:
            refused = Refused("The call was hung up before it was dialled.", 409)
        self.forget(call)
        await self._end_room(placed.name, call)
        raise refused from error


def _own_number(wanted: str, numbers: list[str]) -> str:
    """What to call from: the number of the settings where the trunk has it, or may have any, else its first."""
    own = [number for number in numbers if number and number != "*"]
    return wanted if wanted and (wanted in own or not own) else (own or [""])[0]
