from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from agent import definition, events, settings
from agent.agent import Agent
from agent.events import Event
from agent.server import routes
from agent.web_socket import OpenWebSocket
from tests.agent.server_house import KEY, TOKEN, Carrier, Framework, House


class Told:
    """Collects events; ``until`` waits for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    def __call__(self, event: Event) -> Event:
        self.events.append(event)
        self._changed.set()
        return event

    @property
    def types(self) -> list[str]:
        return [events.type_of(event) for event in self.events]

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(10):
            while True:
                for event in self.events:
                    if events.type_of(event) == kind:
                        return event
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def told() -> Told:
    return Told()


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """An ASGI application on a real socket of this machine; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, ws=OpenWebSocket, ws_max_size=1024 * 1024, lifespan="off", log_config=None)
        )
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


@pytest.fixture
def serve() -> Callable[[Any], contextlib.AbstractAsyncContextManager[int]]:
    return serving


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Any) -> AsyncIterator[House]:
    monkeypatch.setenv("SIDETONE_DATA_DIR", str(tmp_path))
    chosen = settings.read(
        {
            "SIDETONE_TOKEN": TOKEN,
            "TELNYX_BASE_URL": "http://127.0.0.1:9/v2",
            "TELNYX_API_KEY": "simulated",
            "TELNYX_PUBLIC_KEY": base64.b64encode(bytes(KEY.verify_key)).decode(),
            "TELNYX_CONNECTION_ID": "77",
            "TELNYX_PHONE_NUMBER": "+15550100000",
            "ASSEMBLYAI_API_KEY": "simulated",
            "OPENAI_API_KEY": "simulated",
            "DEEPGRAM_API_KEY": "simulated",
            "SIDETONE_MAX_CALLS": "3",
        }
    )
    agent = Agent(chosen, definition.load(definition.SHIPPED))
    carrier, framework = Carrier(), Framework()
    monkeypatch.setattr("agent.calls._STOP_WAIT_S", 0.2)
    monkeypatch.setattr(agent, "_carrier", carrier)
    monkeypatch.setattr(agent.telnyx, "_carrier", carrier)
    monkeypatch.setattr(agent, "_load_libraries", lambda: framework)
    async with serve(routes(agent)) as port:
        await agent.start("127.0.0.1", port)
        made = House(agent, carrier, framework, port)
        try:
            yield made
        finally:
            await made.http.aclose()
            await agent.stop("test over")
