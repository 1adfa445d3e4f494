"""A softphone as a test has one: a WebSocket to a running simulator, a microphone and an ear."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulator.audio import Samples
from simulator.phone.messages import HEAD, MICROPHONE

if TYPE_CHECKING:
    from simulator.server import Simulator


class SoftPhone:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.ear: list[Samples] = []
        """All frames heard so far, of any call."""
        self.heads: list[tuple[int, int, int, int]] = []
        self._arrived = asyncio.Condition()

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                async with self._arrived:
                    if isinstance(message, bytes):
                        self.heads.append(HEAD.unpack_from(message))
                        self.ear.append(np.frombuffer(message, "<i2", offset=HEAD.size))
                    else:
                        self.messages.append(json.loads(message))
                    self._arrived.notify_all()

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The message of one type, the `count`th, once it is there."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def until_told(self, message: dict[str, Any]) -> None:
        async with self._arrived:
            await self._arrived.wait_for(lambda: message in self.messages)

    async def until_heard(self, samples: Samples) -> None:
        """Until the ear has heard all of them, frame by frame in their order."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: frames_missing(self.ear, samples) == 0)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    async def register(self, number: str, **order: Any) -> None:
        await self.send("register", number=number, order=order)
        await self.until("registered")

    async def speak(self, samples: Samples, rate: int, *, at_once: int = 1) -> None:
        """In the pace of a microphone, which the frames tell, `at_once` of them at a time."""
        loop, step = asyncio.get_running_loop(), rate // 50
        began = loop.time()
        for number, start in enumerate(range(0, len(samples), step)):
            at = began + number * 0.020
            if number % at_once == 0:
                await asyncio.sleep(max(0.0, at - loop.time()))
            await self.socket.send(frame(samples[start : start + step], rate, at))


@contextlib.asynccontextmanager
async def softphone(simulator: Simulator) -> AsyncIterator[SoftPhone]:
    url = f"ws://127.0.0.1:{simulator.port}/sim/phone"
    headers = {"Authorization": f"Bearer {simulator.token}"}
    async with connect(url, additional_headers=headers, proxy=None, compression=None, max_queue=None) as socket:
        phone = SoftPhone(socket)
        reading = asyncio.create_task(phone.read())
        try:
            yield phone
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def frame(samples: Samples, rate: int, at: float = 0.0) -> bytes:
    """Of the microphone, at seconds of its own clock."""
    return HEAD.pack(MICROPHONE, 0, rate // 100, int(at * 1e6)) + samples.astype("<i2").tobytes()


def noise(seconds: float, rate: int, seed: int = 1) -> Samples:
    """Every frame of it is one of its kind and loud."""
    return np.random.default_rng(seed).integers(-8000, 8000, int(seconds * rate), dtype=np.int16)


def is_loud(samples: Samples) -> bool:
    """A-law has no zero."""
    return int(np.abs(samples.astype(int)).max()) > 100


def frames_missing(heard: Iterable[Samples], meant: Samples) -> int:
    """How many frames of `meant` were not heard in their order; raises AssertionError for one of no such kind."""
    frames = [part for part in heard if is_loud(part)]
    length = len(frames[0]) if frames else 1
    wanted = [meant[start : start + length].tobytes() for start in range(0, len(meant), length)]
    places = [wanted.index(part.tobytes()) if part.tobytes() in wanted else -1 for part in frames]
    assert -1 not in places, "a frame that nobody sent"
    assert places == sorted(set(places)), "frames in another order, or twice"
    return len(wanted) - len(places)
