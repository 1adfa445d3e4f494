"""What one side of the benchmark of lines measures, and what its lines say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from time import monotonic

import msgspec
import numpy as np
from numpy.typing import NDArray
from picows import WSFrame, WSListener, WSTransport, ws_connect

SECONDS, WARM_UP_S = 5.0, 1.5
DIAL_AT_ONCE, DIAL_PAUSE_S = 25, 0.1


class Figures(msgspec.Struct):
    """Milliseconds, and percent: of the frames, of one core, of what was sent."""

    p50: float
    p99: float
    most: float
    over_5: float
    over_20: float
    gap_p50: float
    gap_p99: float
    cpu: float
    echoed: float

    def lateness(self) -> str:
        return f"{self.p50:.2f} / {self.p99:.2f} / {self.most:.1f} ms"

    def late(self) -> str:
        return f"{self.over_5:.2f} / {self.over_20:.2f} %"

    def gaps(self) -> str:
        return f"{self.gap_p50:.2f} / {self.gap_p99:.2f} ms"


async def measure(port: int, sent: list[list[float]], received: Callable[[], int]) -> None:
    """Print the figures of lines that talk already; `sent`: when each line sent its frames (monotonic seconds)."""
    await asyncio.sleep(WARM_UP_S)
    for times in sent:
        times.clear()
    before, cpu, begin = received(), time.process_time(), monotonic()
    await asyncio.sleep(SECONDS)
    spent = (time.process_time() - cpu) / (monotonic() - begin) * 100
    echoed = received() - before
    values = np.concatenate([_late(times) for times in sent if times]) * 1000
    gaps = await _stopwatch(port)
    figures = Figures(
        p50=float(np.percentile(values, 50)),
        p99=float(np.percentile(values, 99)),
        most=float(values.max()),
        over_5=float(np.mean(values > 5) * 100),
        over_20=float(np.mean(values > 20) * 100),
        gap_p50=float(np.percentile(gaps, 50)),
        gap_p99=float(np.percentile(gaps, 99)),
        cpu=spent,
        echoed=echoed / len(values) * 100,
    )
    print(msgspec.json.encode(figures).decode(), flush=True)


class Clock:
    """When frames were given to their sockets, which may be after the callback that made them."""

    def __init__(self) -> None:
        self._made: list[list[float]] = []

    def timed(self, tick: Callable[[], None], sent: list[float]) -> Callable[[], None]:
        def timed() -> None:
            tick()
            if not self._made:
                # Behind whatever the tick left to be done.
                asyncio.get_running_loop().call_soon(self._stamp)
            self._made.append(sent)

        return timed

    def _stamp(self) -> None:
        now = monotonic()
        for sent in self._made:
            sent.append(now)
        self._made.clear()


def speech() -> NDArray[np.int16]:
    """A second at 8 kHz, none of its frames silent or like another."""
    at = np.arange(8000)
    wave = 6000 * np.sin(at * 0.3) * np.sin(at * 0.0021) + 500 * np.sin(at * 1.7)
    return wave.astype(np.int16)


def _late(sent: list[float]) -> NDArray[np.float64]:
    """Seconds behind a line's own grid of 20 ms, laid through its earliest frame."""
    behind = np.asarray(sent) - np.arange(len(sent)) * 0.020
    return behind - behind.min()


async def _stopwatch(port: int) -> list[float]:
    """What the echo server says of the gaps of the line it watches: |gap - 20 ms| in milliseconds."""
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    class Asking(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            answer.set_result(frame.get_payload_as_bytes())
            transport.disconnect()

    await ws_connect(Asking, f"ws://127.0.0.1:{port}/gaps")
    return msgspec.json.decode(await answer, type=list[float])
