"""Taps as the agent serves them: one for each run, all behind one server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from agent import events
from agent.assemblyai_tap import Tap
from agent.events import Event


@dataclass
class Tapped:
    """One tap and what it told."""

    tap: Tap
    events: list[Event] = field(default_factory=list)
    deaf: list[str] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def messages(self) -> list[Any]:
        """What the service sent, in order, as far as the tap tells of it."""
        told: list[Any] = []
        for event in self.events:
            match event:
                case events.SttError(text=text, code=code):
                    told.append({"type": "Error", "error_code": code, "error": text})
                case (
                    events.SttBegin(message=message)
                    | events.SttSpeechStarted(message=message)
                    | events.SttTurn(message=message)
                    | events.SttTermination(message=message)
                    | events.SttOther(message=message)
                ):
                    told.append(message)
                case _:
                    pass
        return told


class Taps:
    """Serves `/{run}/v3/ws` for every run that was added."""

    def __init__(self) -> None:
        self._runs: dict[str, Tapped] = {}

    def add(self, name: str, upstream: str) -> Tapped:
        told: list[Event] = []
        deaf: list[str] = []
        self._runs[name] = Tapped(Tap(upstream, "the-real-key", told.append, deaf.append), told, deaf)
        return self._runs[name]

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[WebSocketRoute("/{run}/v3/ws", self._serve)])

    async def _serve(self, websocket: WebSocket) -> None:
        await self._runs[websocket.path_params["run"]].tap.serve(websocket)


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """An application on a real socket of this machine; gives its WebSocket address without a path."""
    config = uvicorn.Config(app, ws="websockets-sansio", ws_max_size=2**20, lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        # By hand, because the server's own loop looks at its orders every 100 ms only.
        await server.startup([listener])
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.force_exit = True
            await server.shutdown([listener])
            await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
