"""How busy the agent is: the machine, and the one thread that all calls run on."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import psutil

EVERY_S: Final = 0.5
_AVERAGED: Final = 5


class LoadMeter:
    """Measures on the running loop until :meth:`stop`; ``value`` is from 0 to 1, the mean of 2.5 s.

    It is the larger of the machine's use of all its processors and the loop's use of the one that it can use at a
    time: calls falter when either has nothing left.
    """

    def __init__(self, machine: Callable[[], float] | None = None) -> None:
        self._machine = machine or _machine
        self._samples: deque[float] = deque([0.0], maxlen=_AVERAGED)
        self._task = asyncio.create_task(self._measure(), name="load-meter")

    @property
    def value(self) -> float:
        return sum(self._samples) / len(self._samples)

    def stop(self) -> None:
        self._task.cancel()

    async def _measure(self) -> None:
        self._machine()
        while True:
            began, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(EVERY_S)
            loop = (time.thread_time() - used) / (time.monotonic() - began)
            self._samples.append(min(1.0, max(self._machine(), loop)))


def _machine() -> float:
    return psutil.cpu_percent() / 100
