"""An agent in a process of its own, on LiveKit, that takes calls in rooms of a real server; all else is simulated.

The simulator is in the test's process, so that it can understand what a telephone in a room says.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from livekit import api

from agent import events
from agent.api import RoomPass
from agent.events import Event
from simulator.audio import Samples
from simulator.caller.script import parse_script
from simulator.caller.script_party import ScriptParty
from simulator.caller.tones import Speech
from simulator.caller.voice import Voice
from simulator.server import Simulator
from simulator.settings import Settings
from tests.e2e.house import READY_S, House
from tests.rooms.participants import Guest, SimulatedSip
from tests.rooms.servers import LiveKitServer

Kind = TypeVar("Kind", bound=Event)
AGENT_NAME = "front-desk"
_WITHIN_S = 90.0


class RoomsHouse(House):
    def __init__(self, folder: Path, server: LiveKitServer, persona: str, **environment: str) -> None:
        super().__init__(folder)
        self.server = server
        self._persona, self._more = persona, environment
        self._simulator: Simulator | None = None
        self._voices: list[Voice] = []
        self.events: list[Event] = []
        self._changed = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Returns once the agent is registered with the server."""
        simulator = self._simulator = Simulator(Settings(port=0, data_dir=self.data / "simulator"))
        await simulator.start()
        file = self.data / "agent.toml"
        file.write_text(self._persona)
        self.agent.environment = {
            **simulator.environment,
            **self.server.environment,
            "SIDETONE_AGENT": str(file),
            "SIDETONE_FRAMEWORK": "livekit",
            "SIDETONE_ROOMS": "on",
            "SIDETONE_AGENT_NAME": AGENT_NAME,
            # A machine that runs tests is busy.
            "SIDETONE_MAX_LOAD": "1",
            **self._more,
        }
        await asyncio.to_thread(self.agent.start)
        self._reading = asyncio.create_task(self._read())
        await self.told(events.WorkerState, lambda event: event.state == "registered", within_s=READY_S)
        await self.told(events.AgentReady, within_s=READY_S)

    async def close(self) -> None:
        await asyncio.to_thread(self.agent.stop)
        if self._reading is not None:
            self._reading.cancel()
        for voice in self._voices:
            voice.close()
        if self._simulator is not None:
            await self._simulator.stop()

    async def phone(self, room: str, *turns: Any, **options: Any) -> SimulatedSip:
        """A telephone that calls; who is there speaks these turns, or what the test says without any."""
        assert self._simulator is not None
        party = None
        if turns:
            said = [turn if isinstance(turn, dict) else {"user": turn} for turn in turns]
            party = ScriptParty(parse_script({"turns": said, **options}), self._simulator.speech)
        caller = SimulatedSip(self.server, room, party)
        await caller.join()
        return caller

    async def speech(self, text: str) -> Samples:
        """Somebody's voice, at 8 kHz, whose words the recogniser knows from then on."""
        assert self._simulator is not None
        voice = Voice(self._simulator.speech, "PCMU")
        self._voices.append(voice)
        await voice.learn([Speech(text)])
        return (await voice.render([Speech(text)])).samples

    async def dispatch(self, room: str) -> str:
        """What a dispatch rule does for a call that comes in; gives the agent's id of the call."""
        async with self.server.api() as lk:
            wanted = api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room)
            await lk.agent_dispatch.create_dispatch(wanted)
        return (await self.told(events.RoomOpened, lambda event: event.room == room)).call

    async def let_in(self, call: str, to: str, who: str) -> Guest:
        """An operator with a pass of the agent, before they join the room."""
        answer = await self.ask(self.agent, "POST", f"/calls/{call}/room", to=to, who=who)
        assert answer.status_code == 200, answer.text
        given = msgspec.json.decode(answer.content, type=RoomPass)
        return Guest(given.url, given.token)

    async def step_in(self, call: str, action: str, who: str, text: str = "") -> None:
        body = {"action": action, "text": text, "who": who}
        answer = await self.ask(self.agent, "POST", f"/calls/{call}/operator", **body)
        assert answer.status_code == 200, answer.text

    async def told(
        self,
        kind: type[Kind],
        fits: Callable[[Kind], object] = lambda _: True,
        *,
        call: str | None = None,
        within_s: float = _WITHIN_S,
    ) -> Kind:
        """The first such event, of that call or of any, once it is there."""

        def found() -> Kind | None:
            for event in self.events:
                if isinstance(event, kind) and call in (None, event.call) and fits(event):
                    return event
            return None

        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(found)
        except TimeoutError:
            told = "\n".join(str(event) for event in self.events if call in (None, event.call))
            raise AssertionError(f"no {kind.__name__} among\n{told}\n{self.agent.out.read_text()}") from None
        event = found()
        assert event is not None
        return event

    def of(self, call: str, kind: type[Kind]) -> list[Kind]:
        """The events of a kind that a call had so far."""
        return [event for event in self.events if event.call == call and isinstance(event, kind)]

    async def gone(self, room: str) -> None:
        """Returns once the server has no such room."""
        async with self.server.api() as lk, asyncio.timeout(_WITHIN_S):
            while (await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms:
                await asyncio.sleep(0.05)

    async def _read(self) -> None:
        async with self.stream() as messages:
            async for message in messages:
                if isinstance(message, Event) and message.seq:
                    async with self._changed:
                        self.events.append(message)
                        self._changed.notify_all()


@contextlib.asynccontextmanager
async def rooms_house(
    folder: Path, server: LiveKitServer, persona: str, **environment: str
) -> AsyncIterator[RoomsHouse]:
    """``persona`` is the agent's definition; ``environment`` more settings."""
    house = RoomsHouse(folder, server, persona, **environment)
    try:
        await house.open()
        yield house
    finally:
        await house.close()
