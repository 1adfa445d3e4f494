from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn

from agent import events
from agent.events import Event


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
            uvicorn.Config(app, ws="websockets-sansio", ws_max_size=1024 * 1024, lifespan="off", log_config=None)
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
