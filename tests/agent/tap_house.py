"""A tap between a client and an AssemblyAI that do what a test says, over real sockets."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from agent.assemblyai_tap import Tap

QUERY = "sample_rate=8000&encoding=pcm_s16le&speech_model=universal-3-6-pro&keyterms_prompt=%5B%22Telnyx%22%5D"
BEGIN = '{"type":"Begin","id":"x","expires_at":1}'
TERMINATION = '{"type":"Termination","audio_duration_seconds":5,"session_duration_seconds":5}'
SPEECH_STARTED = '{"type":"SpeechStarted","timestamp":0,"confidence":0.9}'

Act = Callable[[ServerConnection], Awaitable[None]]


def loud(ms: int, mark: int = 1) -> bytes:
    """Audio with a voice in it; ``mark`` makes one piece unlike another."""
    return struct.pack("<h", 4_000 + mark) * (ms * 8)


def turn(text: str, start: int = 0, end: int = 900, *, order: int = 0, last: bool = False) -> str:
    words = text.split()
    step = (end - start) // max(1, len(words))
    return json.dumps(
        {
            "type": "Turn",
            "turn_order": order,
            "turn_is_formatted": True,
            "end_of_turn": last,
            "end_of_turn_confidence": 1 if last else 0,
            "transcript": text,
            "words": [
                {
                    "text": word,
                    "start": start + n * step,
                    "end": start + (n + 1) * step,
                    "confidence": 0.9,
                    "word_is_final": last,
                }
                for n, word in enumerate(words)
            ],
        }
    )


async def refuse(connection: ServerConnection, code: int, text: str) -> None:
    """Fail as AssemblyAI does."""
    await connection.send(json.dumps({"type": "Error", "error_code": code, "error": text}))
    await connection.close(code, "See Error message for details")


async def audio(connection: ServerConnection, ms: int) -> bytes:
    """So much audio, from as many messages as it takes."""
    got = b""
    while len(got) < ms * 16:
        message = await connection.recv()
        assert isinstance(message, bytes), message
        assert 50 <= len(message) // 16 <= 1_000
        got += message
    return got


async def text(connection: ServerConnection) -> dict[str, Any]:
    """The next text message; audio before it is passed by."""
    while isinstance(message := await connection.recv(), bytes):
        pass
    return json.loads(message)


async def until_terminated(connection: ServerConnection, *last: str) -> None:
    while (await text(connection)) != {"type": "Terminate"}:
        pass
    for message in (*last, TERMINATION):
        await connection.send(message)
    await connection.close(1000, "Session Ended")


class Service:
    """An AssemblyAI whose sessions go as scripted, the last act for all that come after."""

    def __init__(self, *acts: Act, refuse: dict[int, HTTPStatus] | HTTPStatus | None = None) -> None:
        self._acts, self._refuse = acts, refuse
        self._asked = 0
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.headers.append(dict(connection.request.headers.raw_items()))
        with contextlib.suppress(ConnectionClosed):
            await self._acts[min(len(self.paths), len(self._acts)) - 1](connection)

    def _answer(self, connection: ServerConnection, _request: object) -> Any:
        self._asked += 1
        status = self._refuse.get(self._asked) if isinstance(self._refuse, dict) else self._refuse
        return connection.respond(status, "no") if status else None

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncIterator[str]:
        async with serve(self, "127.0.0.1", 0, process_request=self._answer) as server:
            port = server.sockets[0].getsockname()[1]
            yield f"ws://127.0.0.1:{port}/v3/ws"


class Rig:
    """The tap, and how to reach it."""

    def __init__(self, told: Any, serve: Any) -> None:
        self.told, self._serve = told, serve
        self.deaf: list[str] = []

    @contextlib.asynccontextmanager
    async def on(self, upstream: str, query: str = QUERY) -> AsyncIterator[str]:
        self.tap = Tap(upstream, "the-real-key", self.told, self.deaf.append)
        app = Starlette(routes=[WebSocketRoute("/v3/ws", self.tap.serve)])
        async with self._serve(app) as port:
            yield f"ws://127.0.0.1:{port}/v3/ws?{query}"

    @contextlib.asynccontextmanager
    async def between(self, service: Service, query: str = QUERY) -> AsyncIterator[ClientConnection]:
        """A client that is connected through the tap."""
        async with service.on() as upstream, self.on(upstream, query) as url, client(url) as connection:
            yield connection

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told.events if isinstance(event, kind)]


def client(url: str, headers: dict[str, str] | None = None) -> connect:
    headers = {"Authorization": "held by the tap", **(headers or {})}
    return connect(url, proxy=None, compression=None, user_agent_header=None, additional_headers=headers)


async def seen(connection: ClientConnection) -> list[dict[str, Any]]:
    """All messages until the connection is closed."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            found.append(json.loads(await connection.recv()))
    return found


async def closed(connection: ClientConnection) -> tuple[int | None, str | None]:
    await seen(connection)
    return connection.close_code, connection.close_reason
