"""What the tests of the lines share: a peer, an engine turned by hand, tones, and how sound is judged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
import numpy.typing as npt
import pytest

from agent import audio_wire
from console.sound.clock import RATE
from tests.sound.peers import Connection, HandEngine, Peer, Reports

Samples = npt.NDArray[np.int16]


def tone(hertz: float, seconds: float, rate: int) -> Samples:
    return (9000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def frames(samples: Samples, rate: int) -> list[bytes]:
    return [one.tobytes() for one in samples.reshape(-1, rate // 50)]


def pitch(samples: Samples, rate: int = RATE) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples.astype(np.float64)))) * rate / len(samples))


def loud(samples: Samples, seconds: float = 0.2) -> bool:
    """Whether there is so much sound in both ears or one."""
    return int(np.count_nonzero(np.abs(samples.astype(np.int32)).max(axis=1) > 1000)) > seconds * RATE * 0.7


@contextlib.asynccontextmanager
async def speaking(
    connection: Connection, hertz: float, rate: int, message: Callable[[int, bytes], bytes]
) -> AsyncIterator[None]:
    """A tone, a frame each 20 ms; ``message`` is given the time in microseconds and the frame."""

    async def speak() -> None:
        for frame in itertools.cycle(frames(tone(hertz, 1, rate), rate)):
            await connection.socket.send(message(time.monotonic_ns() // 1000, frame))
            await asyncio.sleep(0.02)

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()


def voice(channel: int, rate: int, flags: int = 0, ahead_us: int = 0) -> Callable[[int, bytes], bytes]:
    return lambda at, frame: audio_wire.encode(channel, rate, at + ahead_us, frame, flags)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def engine() -> HandEngine:
    return HandEngine()


@pytest.fixture
def reports() -> Reports:
    return Reports()
