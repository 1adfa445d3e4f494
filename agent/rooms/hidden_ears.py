"""Operators who listen to rooms hidden: nobody in a room sees them, so the server is asked who is there."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from agent import events
from agent.call import Call
from agent.calls import Calls
from agent.carriers import CarrierError
from agent.rooms.livekit_server import LiveKitServer
from agent.rooms.passes import Passes

MOST_LISTENERS: Final = 16
_EVERY_S: Final = 1.0


class HiddenEars:
    """Asks about a room while somebody has a pass to listen to it, and tells who comes and goes."""

    def __init__(self, server: LiveKitServer, passes: Passes, calls: Calls) -> None:
        self._server, self._passes, self._calls = server, passes, calls
        self._there: dict[str, dict[str, str]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}

    def listeners(self, room: str) -> int:
        """How many listen to the room, or have a pass to."""
        now, there = time.monotonic(), self._there.get(room, {})
        waiting = [one for one, pass_ in self._passes.listeners(room).items() if pass_.until > now]
        return len({*there, *waiting})

    def there(self, room: str) -> int:
        """How many listen to the room, as far as is known."""
        return len(self._there.get(room, {}))

    def watch(self, call: Call, room: str) -> None:
        """Somebody was given a pass to listen to the call."""
        if room not in self._watches:
            self._watches[room] = asyncio.create_task(self._ask(call, room), name="hidden-ears")

    def forget(self, room: str) -> None:
        """The room is over."""
        self._there.pop(room, None)
        task = self._watches.pop(room, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        for room in list(self._watches):
            self.forget(room)

    async def _ask(self, call: Call, room: str) -> None:
        there = self._there.setdefault(room, {})
        while there or any(one.until > time.monotonic() for one in self._passes.listeners(room).values()):
            await asyncio.sleep(_EVERY_S)
            try:
                present = await self._server.identities(room)
            except CarrierError:
                # What is not known now is asked again; a server that is gone ends the call too.
                continue
            if call.outcome is not None:
                return
            passes = self._passes.listeners(room)
            for identity in present & passes.keys() - there.keys():
                there[identity] = passes[identity].who
                self._tell(call, there[identity], len(there), listening=True)
            for identity in there.keys() - present:
                self._tell(call, there.pop(identity), len(there), listening=False)
        self._watches.pop(room, None)

    def _tell(self, call: Call, who: str, how_many: int, *, listening: bool) -> None:
        listeners = how_many + self._calls.listeners.count(call)
        self._calls.emit(call, events.OperatorListening(who=who, listening=listening, listeners=listeners))
