"""A clock that hears and says every 20 ms, as the engine does, and keeps what hardware reports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import numpy as np

from console.sound.clock import BLOCK, RATE, Clock
from console.sound.hardware import Hardware
from console.sound.protocol import DeviceChanged, Kind, Report

R = TypeVar("R", bound=Report)


class Ticking:
    """``hardware`` with what it reported and heard, and what it is to say (int16[n], in both ears)."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.heard: list[np.ndarray] = []
        self.saying: list[np.ndarray] = []
        self._reported = asyncio.Event()
        self.hardware = Hardware(self._report)

    def say(self, sound: np.ndarray) -> None:
        padded = np.pad(sound, (0, -len(sound) % BLOCK))
        self.saying += [np.stack((part, part), axis=1) for part in padded.reshape(-1, BLOCK)]

    def sound(self) -> np.ndarray:
        """All that was heard."""
        return np.concatenate([np.empty(0, np.int16), *self.heard])

    async def said(self, more_s: float = 0.3) -> None:
        """What was to be said is said, and some time has passed on this clock."""
        ticks = len(self.heard) + len(self.saying) + round(more_s * 50)
        while len(self.heard) < ticks:
            await asyncio.sleep(0.02)

    async def report(self, kind: type[R], is_it: Callable[[R], bool] = lambda _: True) -> R:
        """The first such report that was not waited for before."""
        async with asyncio.timeout(20):
            while True:
                for place, one in enumerate(self.reports):
                    if isinstance(one, kind) and is_it(one):
                        del self.reports[place]
                        return one
                self._reported.clear()
                await self._reported.wait()

    async def changed(self, kind: Kind, state: str) -> DeviceChanged:
        return await self.report(DeviceChanged, lambda one: (one.kind, one.state) == (kind, state))

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        clock = Clock(loop.time())
        silence = np.zeros((BLOCK, 2), np.int16)
        while True:
            await asyncio.sleep(max(0, clock.next_at - loop.time()))
            for _ in range(clock.due(loop.time())):
                self.heard.append(self.hardware.hear())
                self.hardware.say(self.saying.pop(0) if self.saying else silence)

    def _report(self, report: Report) -> None:
        self.reports.append(report)
        self._reported.set()


@contextlib.asynccontextmanager
async def ticking() -> AsyncIterator[Ticking]:
    """Runs until the end, and closes the hardware."""
    one = Ticking()
    clock = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        clock.cancel()
        await asyncio.wait({clock})
        await one.hardware.close()


def chirp(from_hz: float = 300, to_hz: float = 3000, seconds: float = 0.4) -> np.ndarray:
    """int16 at 48 kHz with a peak of 12,000: alike to nothing but itself, so that a hole or a shift shows."""
    at = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * (from_hz * at + (to_hz - from_hz) / (2 * seconds) * at**2)
    fade = np.clip(np.minimum(at, seconds - at) / 0.01, 0, 1)
    return (12_000 * fade * np.sin(phase)).astype(np.int16)


def likeness(sound: np.ndarray, of: np.ndarray) -> tuple[float, float]:
    """Where ``of`` is best found in ``sound``, in pieces of 50 ms that drift correction may have moved by 2 ms:
    how alike is the worst (1 is the same but for the level), and how loud all are against ``of`` in dB."""
    wanted, got = of.astype(float), sound.astype(float)
    slack, piece = RATE // 500, RATE // 20
    if len(got) < len(wanted):
        return 0.0, -90.0
    place = int(np.argmax(_matches(got, wanted)))
    worst, energy = 1.0, 0.0
    for at in range(0, len(wanted) - piece + 1, piece):
        part = wanted[at : at + piece]
        near = got[max(0, place + at - slack) : place + at + piece + slack]
        if len(near) < piece:
            return 0.0, -90.0
        matches = _matches(near, part)
        best = int(np.argmax(matches))
        power = float(np.sum(near[best : best + piece] ** 2))
        energy += power
        worst = min(worst, float(matches[best] / np.sqrt(power * np.sum(part**2))) if power else 0.0)
    return worst, float(10 * np.log10(max(energy, 1e-9) / np.sum(wanted**2)))


def _matches(sound: np.ndarray, of: np.ndarray) -> np.ndarray:
    size = 1 << (len(sound) + len(of)).bit_length()
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(of, size))
    return np.fft.irfft(product, size)[: len(sound) - len(of) + 1]
