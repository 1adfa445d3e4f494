"""A call on a real line whose agent is a listener of the test, with operators and a recogniser for their voice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection

from agent import audio_wire
from agent.carriers.telnyx_line import TelnyxLine
from agent.frameworks import Job
from tests.agent.server_house import House
from tests.agent.tap_house import BEGIN, TERMINATION, turn

START = {
    "event": "start",
    "stream_id": "s1",
    "start": {"call_control_id": "v3:1", "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}},
}
LOUD = b"\x10\x27" * 160
"""20 ms of a loud voice at 8 kHz."""


class Recogniser:
    """AssemblyAI for operators: says ``hears`` when a session is asked to end."""

    def __init__(self) -> None:
        self.hears: list[str] = []
        self.paths: list[str] = []
        self.audio = b""
        self.failure: tuple[int, str] | None = None
        self.opened = asyncio.Event()

    async def serve(self, session: ServerConnection) -> None:
        assert session.request is not None
        self.paths.append(session.request.path)
        self.opened.set()
        if self.failure is not None:
            code, text = self.failure
            await session.send(json.dumps({"type": "Error", "error_code": code, "error": text}))
            await session.close(code)
            return
        await session.send(BEGIN)
        async for message in session:
            if isinstance(message, bytes):
                self.audio += message
            elif "Terminate" in message:
                for order, text in enumerate(self.hears):
                    await session.send(turn("a part of it", order=order))
                    await session.send(turn(text, order=order, last=True))
                await session.send(TERMINATION)
                return


@dataclass
class Scene:
    """One answered call."""

    house: House
    call: str
    job: Job
    telephone: ClientConnection
    recogniser: Recogniser

    @property
    def line(self) -> TelnyxLine:
        assert isinstance(self.job.line, TelnyxLine)
        return self.job.line

    @property
    def asked(self) -> list[tuple[str, ...]]:
        return self.house.framework.asked

    async def do(self, action: str, text: str = "", who: str = "ann") -> tuple[int, str]:
        """The answer's status, and its error."""
        body = {"action": action, "text": text, "who": who}
        path = f"/calls/{self.call}/operator"
        answer = await self.house.http.post(path, json=body, headers=self.house.bearer)
        return answer.status_code, answer.json().get("error", "")

    async def told(self, kind: str, fits: Callable[[Any], bool] = lambda _event: True) -> Any:
        return await self.house.told(self.call, kind, fits)

    async def desk(self) -> Any:
        answer = await self.house.http.get(f"/calls/{self.call}", headers=self.house.bearer)
        return msgspec.convert(answer.json()["desk"], dict)

    @contextlib.asynccontextmanager
    async def audio(self, who: str = "ann", to: str = "") -> AsyncIterator[ClientConnection]:
        """An operator's audio link; ``to`` is where it speaks."""
        address = f"ws://127.0.0.1:{self.house.port}/calls/{self.call}/audio?who={who}"
        async with connect(address, proxy=None, additional_headers=self.house.bearer, max_queue=None) as link:
            await link.recv()
            if to:
                await link.send(json.dumps({"type": "speak", "to": to}))
            yield link

    async def hang_up(self) -> None:
        """The caller does."""
        await self.telephone.send('{"event":"stop"}')
        await self.telephone.close()

    async def agent_speaks(self, frames: int = 50) -> None:
        """Hand the line an answer, as a framework does."""
        turns = self.job.turns
        self.line.on_audio_out = turns.media_sent
        turns.tts_asked(1, "So far so good and much more")
        turns.tts_audio(1, frames * 20)
        for _ in range(frames):
            data = self.line.audio_goes_out(LOUD)
            assert data is not None
            await self.line.send_text(data)

    async def from_agent(self, kind: str) -> dict[str, Any]:
        """The next message of this kind that the telephone gets."""
        async with asyncio.timeout(10):
            while (message := json.loads(await self.telephone.recv()))["event"] != kind:
                pass
        return message


async def microphone(link: ClientConnection, frames: int, audio: bytes = LOUD) -> None:
    for _ in range(frames):
        await link.send(audio_wire.encode(audio_wire.OPERATOR, 8000, 0, audio))


@contextlib.asynccontextmanager
async def answered(house: House, recogniser: Recogniser) -> AsyncIterator[Scene]:
    call = (await house.dial()).json()["call"]
    address = f"ws://127.0.0.1:{house.port}/media/{house.carrier.dials[-1].stream_url.rpartition('/')[2]}"
    async with connect(address, proxy=None, compression=None, max_queue=None) as telephone:
        await telephone.send('{"event":"connected","version":"1.0.0"}')
        await telephone.send(json.dumps(START))
        job = await asyncio.wait_for(house.framework.jobs.get(), 10)
        yield Scene(house, call, job, telephone, recogniser)


def payload(message: dict[str, Any]) -> bytes:
    return base64.b64decode(message["media"]["payload"])
