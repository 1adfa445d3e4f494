"""An agent that takes calls in rooms of a real LiveKit server, with a framework of the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import api, rtc

from agent import api as agent_api
from agent import definition, events, settings
from agent.agent import Agent
from agent.frameworks import Job
from agent.line_meter import Samples
from agent.rooms import room_calls  # noqa: F401  (takes seconds, which the agent spends in a thread)
from agent.server import routes
from tests.agent.conftest import serving
from tests.agent.server_house import TOKEN, Carrier, Framework, House
from tests.rooms.participants import Guest
from tests.rooms.servers import LiveKitServer


class Listener(Framework):
    """Hears the line to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Samples] = []
        self.keys = ""
        self.failure: Exception | None = None
        self.stopped, self.news = asyncio.Event(), asyncio.Event()

    def session(self, job: Job) -> Listener:
        super().session(job)
        return self

    async def run(self) -> None:
        if self.failure is not None:
            raise self.failure
        hearing = asyncio.create_task(self._hear())
        stopped = asyncio.create_task(self.stopped.wait())
        await asyncio.wait({hearing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        hearing.cancel()
        stopped.cancel()

    async def _hear(self) -> None:
        while (heard := await self._job.line.hear()) is not None:
            if isinstance(heard, str):
                self.keys += heard
            else:
                self.heard.append(heard)
            self.news.set()

    async def stop(self) -> None:
        self.stopped.set()


def agent_in(guest: Guest) -> str:
    """The identity of the agent that a guest sees."""
    kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    return next(identity for identity, other in guest.others.items() if other.kind == kind)


def tone(ms: int, rate: int) -> Samples:
    """A loud 440 Hz."""
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(rate * ms // 1000) / rate)).astype(np.int16)


def _loud(samples: Samples) -> bool:
    return int(np.abs(samples).max()) > 2000


class RoomHouse(House):
    """Such an agent, and its server."""

    def __init__(self, agent: Agent, framework: Listener, port: int, server: LiveKitServer) -> None:
        super().__init__(agent, Carrier(), framework, port)
        self.listener, self.server = framework, server

    @property
    def name(self) -> str:
        rooms = self.agent.settings.rooms
        assert rooms is not None
        return rooms.agent_name

    async def dispatch(self, room: str, metadata: str = "") -> None:
        """Have the agent come into a room, as a dispatch rule does."""
        async with self.server.api() as server:
            await server.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name=self.name, room=room, metadata=metadata)
            )

    @property
    def voiced(self) -> bool:
        """Whether the agent heard a loud voice."""
        return any(map(_loud, self.listener.heard))

    async def hears(self, voice: bool = False, keys: str = "") -> None:
        """Wait until the agent heard a loud voice, or all these keys."""
        async with asyncio.timeout(60):
            while (voice and not self.voiced) or self.listener.keys != keys:
                await self.listener.news.wait()
                self.listener.news.clear()

    async def told(self, call: str, kind: str, fits: Callable[[Any], bool] = lambda _event: True) -> Any:
        """As of any house, with the patience that rooms need."""
        return await self.told_any(kind, lambda event: event.call == call and fits(event))

    async def told_any(self, kind: str, fits: Callable[[Any], bool] = lambda _event: True) -> Any:
        """The first event of this type that fits, of whatever call, once it is there."""
        async with asyncio.timeout(60), self.ws("/events?from=0", **self.bearer) as stream:
            async for message in stream:
                assert isinstance(message, str)
                for event, _ in agent_api.decode_message(message):
                    if isinstance(event, events.Event) and events.type_of(event) == kind and fits(event):
                        return event
        raise AssertionError(f"no {kind}")

    async def ended(self, room: str) -> None:
        """Wait until the server has no such room."""
        async with asyncio.timeout(60):
            while room in await self.rooms():
                await asyncio.sleep(0.05)

    async def rooms(self) -> list[str]:
        async with self.server.api() as server:
            return [room.name for room in (await server.room.list_rooms(api.ListRoomsRequest())).rooms]

    async def job(self) -> Job:
        async with asyncio.timeout(30):
            return await self.framework.jobs.get()

    async def post(self, path: str, **body: Any) -> Any:
        return await self.http.post(path, content=json.dumps(body), headers=self.bearer)


@contextlib.asynccontextmanager
async def room_house(
    server: LiveKitServer, folder: Path, monkeypatch: pytest.MonkeyPatch, registered: bool = True, **more: str
) -> AsyncIterator[RoomHouse]:
    """``more`` are settings. The agent is registered, unless that is not to be waited for."""
    monkeypatch.setenv("SIDETONE_DATA_DIR", str(folder))
    chosen = settings.read(
        {
            "SIDETONE_TOKEN": TOKEN,
            "SIDETONE_FRAMEWORK": "livekit",
            "SIDETONE_ROOMS": "on",
            # Its name is its own: other tests share the server.
            "SIDETONE_AGENT_NAME": f"agent-{folder.name}",
            "SIDETONE_MAX_LOAD": "1",
            "SIDETONE_PHONE_NUMBER": "",
            "ASSEMBLYAI_API_KEY": "simulated",
            "ASSEMBLYAI_BASE_URL": "ws://127.0.0.1:9",
            "OPENAI_API_KEY": "simulated",
            "DEEPGRAM_API_KEY": "simulated",
            "SIDETONE_MAX_CALLS": "3",
            **server.environment,
            **more,
        }
    )
    agent, framework = Agent(chosen, definition.load(definition.SHIPPED)), Listener()
    monkeypatch.setattr(agent, "_load_libraries", lambda: framework)
    async with serving(routes(agent)) as port:
        await agent.start("127.0.0.1", port)
        house = RoomHouse(agent, framework, port, server)
        try:
            if registered:
                await house.told("", "worker.state", lambda event: event.state == "registered")
            yield house
        finally:
            await house.http.aclose()
            await agent.stop("test over")
