"""A media stream between a test, which is the phone leg, and a WebSocket server, which is the application."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from simulator.audio import Samples
from simulator.telnyx.findings import Findings
from simulator.telnyx.media.leg_audio import LegAudio
from simulator.telnyx.media.options import StreamOptions
from simulator.telnyx.media.stream import MediaStream
from simulator.telnyx.media.wire import StartFields

_BARRIER = "are you there"
START = StartFields(
    "user-1", "v3:call", "session-1", "+13125550100", "+13125550101", "c3RhdGU=", {"customer": "7"}, ("TAG1",)
)


class Application:
    """The server's side of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.over = asyncio.Event()
        self._arrived = asyncio.Condition()

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                async with self._arrived:
                    self.frames.append(json.loads(message))
                    self._arrived.notify_all()
        self.over.set()

    async def until(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The frames of one kind, once there are `count` of them."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(event)) >= count)
        return self.of(event)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["event"] == event]

    async def send(self, frame: Any) -> None:
        await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def play(self, payload: bytes) -> None:
        await self.send({"event": "media", "media": {"payload": base64.b64encode(payload).decode()}})

    async def mark(self, name: str) -> None:
        await self.send({"event": "mark", "mark": {"name": name}})

    async def settled(self, stream: MediaStream) -> None:
        """Everything sent so far has been handled: an unknown event is answered in order."""
        seen = len(self.of("error"))
        await self.send({"event": _BARRIER})
        await self.until("error", seen + 1)
        self.frames.remove(self.of("error")[-1])


@dataclass
class House:
    stream: MediaStream
    application: Application
    findings: Findings
    headers: dict[str, str]
    running: asyncio.Task[None]
    connections: asyncio.Queue[Application]

    @property
    def found(self) -> dict[str, list[str]]:
        """Rules and their details, without those of `settled`."""
        found = {}
        for finding in self.findings.report():
            details = [detail for detail in finding["details"] if _BARRIER not in detail]
            if details or not finding["details"]:
                found[finding["rule"]] = details
        return found

    def hear(self, ticks: int, leg: LegAudio) -> Samples:
        """What the telephone plays in so many ticks, silence included."""
        return np.concatenate([_whole(self.stream.hear(), leg.frame_samples) for _ in range(ticks)])


@contextlib.asynccontextmanager
async def house(leg: LegAudio | None = None, *, path: str = "/media", **options: Any) -> AsyncIterator[House]:
    """`options` are those of the stream; `tap`, `faults` and `l16_big_endian` go to it directly."""
    connections: asyncio.Queue[Application] = asyncio.Queue()
    accepted: list[ServerConnection] = []

    async def accept(socket: ServerConnection) -> None:
        application = Application(socket)
        accepted.append(socket)
        connections.put_nowait(application)
        await application.read()

    extras = {name: options.pop(name) for name in ("tap", "faults", "l16_big_endian") if name in options}
    findings = Findings()
    async with serve(accept, "127.0.0.1", 0, max_size=None, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        settings = StreamOptions(f"ws://127.0.0.1:{port}{path}", **{"mode": "rtp", **options})
        stream = MediaStream(settings, START, leg or LegAudio(), findings, **extras)
        await stream.open()
        application = await connections.get()
        running = asyncio.create_task(stream.run())
        assert accepted[0].request is not None
        headers = dict(accepted[0].request.headers.raw_items())
        try:
            yield House(stream, application, findings, headers, running, connections)
        finally:
            await stream.close()
            await running


def speech(seconds: float, rate: int) -> Samples:
    """Something like a voice: a gliding tone with overtones, swelling four times a second."""
    at = np.arange(int(seconds * rate)) / rate
    pitch = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 1.3 * at)) / rate
    wave = sum(np.sin(pitch * overtone) / overtone for overtone in range(1, 12))
    return (4000 * wave * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * at))).astype(np.int16)


def frames_of(samples: Samples, length: int) -> list[Samples]:
    return [samples[start : start + length] for start in range(0, len(samples) - length + 1, length)]


def similarity(heard: Samples, meant: Samples, most_delay: int) -> tuple[float, int]:
    """Signal to noise ratio in dB at the best delay, and that delay in samples."""
    best = (-99.0, 0)
    for delay in range(most_delay + 1):
        got = heard[delay:].astype(np.float64)
        want = meant[: len(got)].astype(np.float64)
        got = got[: len(want)]
        noise = float(np.mean((got - want) ** 2)) or 1e-9
        best = max(best, (10 * float(np.log10(np.mean(want**2) / noise)), delay))
    return best


def _whole(samples: Samples | None, length: int) -> Samples:
    frame = np.zeros(length, np.int16)
    if samples is not None:
        frame[: len(samples)] = samples
    return frame
