"""A LiveKit room with a caller and an agent, and the agent's API that lets operators in."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
import uvicorn
from livekit import api as livekit
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent import audio_wire
from agent.api import RoomPass, RoomPassRequest
from console.sound.protocol import Listen
from tests.rooms.participants import Guest, speaker
from tests.rooms.servers import LiveKitServer
from tests.sound.link_house import tone

TOKEN = "t0k"
OPERATOR = "sidetone.operator"


class Door:
    """``POST /calls/{call}/room`` and ``WS /calls/{call}/audio``, as an agent answers them.

    ``refusal`` is a status and a sentence that the first answers to who wants one of ``refuses``; ``came`` is what
    came over the second."""

    def __init__(self, server: LiveKitServer, room: str) -> None:
        self.server, self.room = server, room
        self.asked: list[RoomPassRequest] = []
        self.given: list[RoomPass] = []
        self.refusal: tuple[int, str] | None = None
        self.refuses: tuple[str, ...] = ("listen", "speak")
        self.came: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.secret = server.secret
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def listen(self, who: str = "ada", **options: Any) -> Listen:
        return Listen(url=self.url, token=TOKEN, call="c_1", who=who, line="livekit", **options)

    def routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/calls/c_1/room", self._room, methods=["POST"]),
                WebSocketRoute("/calls/c_1/audio", self._audio),
            ]
        )

    async def _room(self, request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=RoomPassRequest)
        self.asked.append(asked)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json({"error": "The token is missing or wrong."}, 401)
        if self.refusal is not None and asked.to in self.refuses:
            return _json({"error": self.refusal[1]}, self.refusal[0])
        self.given.append(self._pass(asked))
        return _json(self.given[-1])

    def _pass(self, asked: RoomPassRequest) -> RoomPass:
        identity = f"operator-{asked.who}-{secrets.token_hex(3)}"
        hidden = asked.to == "listen"
        grants = livekit.VideoGrants(
            room_join=True,
            room=self.room,
            hidden=hidden,
            can_publish=not hidden,
            can_publish_data=False,
            can_subscribe=hidden,
            can_publish_sources=[] if hidden else ["microphone"],
        )
        token = livekit.AccessToken(self.server.key, self.secret).with_identity(identity).with_grants(grants)
        if not hidden:
            token = token.with_attributes({OPERATOR: asked.who})
        return RoomPass(self.server.url, self.room, token.to_jwt(), identity, "caller", "agent", 60)

    async def _audio(self, websocket: WebSocket) -> None:
        await websocket.accept()
        start = {"type": "start", "call": "c_1", "caller_hz": 8000, "agent_hz": 8000, "speak_hz": 16_000}
        await websocket.send_json(start)
        with contextlib.suppress(WebSocketDisconnect, KeyError):
            while (message := await websocket.receive())["type"] == "websocket.receive":
                self.came.put_nowait(message.get("text") or message["bytes"])

    async def text(self) -> str:
        """The next text that came over the WebSocket."""
        async with asyncio.timeout(30):
            while not isinstance(came := await self.came.get(), str):
                pass
        return came

    async def frame(self) -> audio_wire.Audio:
        """The next audio that came over it."""
        async with asyncio.timeout(30):
            while not isinstance(came := await self.came.get(), bytes):
                pass
        return audio_wire.decode(came)


@contextlib.asynccontextmanager
async def opened_door(server: LiveKitServer) -> AsyncIterator[Door]:
    door = Door(server, f"call-{secrets.token_hex(4)}")
    config = uvicorn.Config(door.routes(), port=0, lifespan="off", log_config=None, ws="websockets-sansio")
    serving = uvicorn.Server(config)
    serving.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(serving.serve())
    while not serving.started:
        await asyncio.sleep(0)
    door.port = serving.servers[0].sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        serving.should_exit = True
        serving.force_exit = True
        await task


@contextlib.asynccontextmanager
async def in_room(door: Door, identity: str, hertz: float = 0) -> AsyncIterator[Guest]:
    """A participant who hears everybody and hums a tone, or is silent."""
    guest = speaker(door.server, door.room, identity)
    async with guest:
        humming = None
        if hertz:
            await guest.open_microphone()
            humming = asyncio.create_task(_hum(guest, hertz))
        try:
            yield guest
        finally:
            if humming is not None:
                humming.cancel()
                await asyncio.wait({humming})


async def _hum(guest: Guest, hertz: float) -> None:
    while True:
        await guest.say(tone(hertz, 1, guest.rate))


def operators(guest: Guest) -> set[str]:
    """Who of those that a participant sees is an operator, by name."""
    return {who.attributes[OPERATOR] for who in guest.others.values() if OPERATOR in who.attributes}


def heard_tone(guest: Guest, identity: str, hertz: float, seconds: float = 0.3) -> bool:
    """Whether the last ``seconds`` that a participant heard of another hold the tone above all."""
    samples = guest.heard(identity)[-round(seconds * guest.rate) :].astype(np.float64)
    if len(samples) < seconds * guest.rate or np.abs(samples).max() < 500:
        return False
    return bool(abs(np.argmax(np.abs(np.fft.rfft(samples))) * guest.rate / len(samples) - hertz) < 15)


def spectrum(samples: np.ndarray, hertz: float) -> float:
    """How much of a tone there is in int16 samples at 48 kHz, in any unit."""
    amounts = np.abs(np.fft.rfft(samples.astype(np.float64)))
    place = round(hertz * len(samples) / 48_000)
    return float(amounts[max(0, place - 6) : place + 7].max())


async def delete(door: Door) -> None:
    """End the call as its agent does."""
    async with door.server.api() as client:
        await client.room.delete_room(livekit.DeleteRoomRequest(room=door.room))


async def take_out(door: Door, identity: str) -> None:
    async with door.server.api() as client:
        await client.room.remove_participant(livekit.RoomParticipantIdentity(room=door.room, identity=identity))


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
