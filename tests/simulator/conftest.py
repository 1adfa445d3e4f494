"""A running simulator, and a bot of our own for it to call."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from telnyx import AsyncTelnyx

    from simulator.server import Simulator
    from tests.simulator.call_house import Line

T = TypeVar("T")


@dataclass
class Stream:
    """One media WebSocket as the bot sees it."""

    socket: WebSocket
    frames: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["event"] == event]

    async def until(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The frames of one kind, once there are `count` of them."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.of(event)) >= count)
        return self.of(event)

    async def until_frame(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first frame that is wanted, once it is there."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: any(map(wanted, self.frames)))
        return next(filter(wanted, self.frames))

    async def send(self, frame: dict[str, Any] | str) -> None:
        await self.socket.send_text(frame if isinstance(frame, str) else json.dumps(frame))

    async def play(self, payload: bytes) -> None:
        await self.send({"event": "media", "media": {"payload": base64.b64encode(payload).decode()}})


@dataclass
class Posted:
    """One request to the bot by HTTP."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode() or self.query))

    @cached_property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)["data"]


class Bot:
    """An application: it answers webhooks and TeXML, and keeps what it was sent."""

    def __init__(self) -> None:
        self.streams: asyncio.Queue[Stream] = asyncio.Queue()
        self.posted: list[Posted] = []
        self.texml = ""
        self.answers: list[int] = []
        """Statuses for the next webhooks; 200 when there are none."""
        self.statuses: dict[str, int] = {}
        """What a path answers every time."""
        self.files: dict[str, bytes] = {}
        self.on_stream: Callable[[Stream], Awaitable[None]] | None = None
        self._arrived = asyncio.Condition()
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        app = Starlette(
            routes=[
                WebSocketRoute("/media", self._media),
                Route("/{path:path}", self._http, methods=["GET", "POST"]),
            ]
        )
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/media"

    async def run(self) -> None:
        await self._server._serve(sockets=[self._listener])

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True

    def to(self, path: str) -> list[Posted]:
        return [posted for posted in self.posted if posted.path == path]

    async def until(self, path: str, count: int) -> list[Posted]:
        """What came to one path, once there are `count` requests."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.to(path)) >= count)
        return self.to(path)

    async def until_true(self, found: Callable[[], T]) -> T:
        """What `found` gives of the requests so far, once it gives something."""
        async with self._arrived:
            await self._arrived.wait_for(found)
        return found()

    async def until_event(self, event_type: str) -> list[Posted]:
        """All webhooks so far, once there is one of a type."""
        async with self._arrived:
            await self._arrived.wait_for(
                lambda: any(posted.event["event_type"] == event_type for posted in self.to("/webhooks"))
            )
        return self.to("/webhooks")

    async def _http(self, request: Request) -> Response:
        posted = Posted(
            request.method, request.url.path, dict(request.headers), await request.body(), request.url.query
        )
        async with self._arrived:
            self.posted.append(posted)
            self._arrived.notify_all()
        if request.url.path in self.files:
            return Response(self.files[request.url.path], media_type="audio/wav")
        if request.url.path.endswith(".wav"):
            return Response(status_code=404)
        if request.url.path.startswith("/texml"):
            return Response(self.texml, media_type="application/xml")
        if request.url.path in self.statuses:
            return Response(status_code=self.statuses[request.url.path])
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    async def _media(self, websocket: WebSocket) -> None:
        await websocket.accept()
        stream = Stream(websocket, headers=dict(websocket.headers))
        await self.streams.put(stream)
        talking = asyncio.create_task(self.on_stream(stream)) if self.on_stream else None
        try:
            while True:
                frame = json.loads(await websocket.receive_text())
                async with stream.arrived:
                    stream.frames.append(frame)
                    stream.arrived.notify_all()
        except WebSocketDisconnect:
            pass
        finally:
            stream.closed.set()
            if talking is not None:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of a general engine are waited for as long as a machine may take that has other things to do."""
    from simulator.speech import general_stream

    for limit in ("PAUSE_SECONDS", "FINAL_SECONDS", "LOAD_SECONDS", "LATE_SECONDS"):
        monkeypatch.setattr(general_stream, limit, 60.0)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    bot = Bot()
    serving = asyncio.create_task(bot.run())
    yield bot
    bot.stop()
    await serving


@pytest.fixture
async def simulator(bot: Bot, tmp_path: Path) -> AsyncIterator[Simulator]:
    """Torn down before the bot, so that its last webhooks arrive."""
    from simulator.server import Simulator
    from simulator.settings import Settings

    simulator = Simulator(Settings(port=0, data_dir=tmp_path, ring_ms=0))
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client of /sim."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{simulator.port}/sim",
        headers={"Authorization": f"Bearer {simulator.token}"},
        trust_env=False,
        timeout=60,
    ) as client:
        yield client


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncTelnyx]:
    """Telnyx's own client, strict about types."""
    from telnyx import AsyncTelnyx

    async with AsyncTelnyx(
        api_key="any", base_url=f"{simulator.url}/v2", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
async def application(client: AsyncTelnyx, bot: Bot) -> str:
    """A Call Control application whose webhooks go to the bot."""
    made = await client.call_control_applications.create(
        application_name="Test", webhook_event_url=f"{bot.url}/webhooks", webhook_api_version="2"
    )
    assert made.data is not None
    assert made.data.id is not None
    return made.data.id


@pytest.fixture
def line(client: AsyncTelnyx, bot: Bot, application: str, control: httpx.AsyncClient) -> Line:
    from tests.simulator.call_house import Line

    return Line(client, bot, application, control)


@pytest.fixture
def tone_wav() -> bytes:
    """Half a second of 440 Hz as a WAV file of 8 kHz."""
    samples = (8000 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)).astype(np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(samples.tobytes())
    return file.getvalue()
