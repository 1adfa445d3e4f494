"""Simulated lines on the wheel against an echo server, in processes of their own on cores of their own.

A line is a whole media stream: every 20 ms it encodes and sends a frame, and plays out what came back. Lateness is
the time at which a line's frame was given to the socket, less the time at which it was due. The floor is a bare
picows client that sends prepared bytes on the same schedule and parses what comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from time import monotonic

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LINES = (1, 10, 50, 100, 200, 400, 800)
_SECONDS, _WARM_UP_S = 5.0, 1.0
_DIAL_AT_ONCE = 50
_SIDES = ("ours", "bare")


async def run() -> list[tuple[str, str]]:
    rows = []
    cores = _cores()
    async with _alone("echo", cores[-1]) as (_, port):
        for lines in _LINES:
            found = {}
            for side in _SIDES:
                async with _alone(side, cores[0], str(port), str(lines)) as (answer, _):
                    found[side] = msgspec.json.decode(answer, type=_Figures)
            ours, bare = found["ours"], found["bare"]
            rows.append((f"{lines} lines: sent − due, p50 / p99 / max", ours.lateness()))
            rows.append((f"{lines} lines: late > 5 / > 20 ms, CPU of one core", ours.cost()))
            rows.append(
                (f"{lines} lines: bare picows p50 / p99 / max; CPU", f"{bare.lateness()}; {bare.cpu:.0f} %")
            )
    return rows


class _Figures(msgspec.Struct):
    """Milliseconds, and percent of one core."""

    p50: float
    p99: float
    most: float
    over_5: float
    over_20: float
    cpu: float
    echoed: float

    def lateness(self) -> str:
        return f"{self.p50:.2f} / {self.p99:.2f} / {self.most:.1f} ms"

    def cost(self) -> str:
        return f"{self.over_5:.2f} / {self.over_20:.2f} %, {self.cpu:.0f} % (echoed {self.echoed:.1f} %)"


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


@contextlib.asynccontextmanager
async def _alone(*words: str | int) -> AsyncIterator[tuple[bytes, int]]:
    """This module in a process of its own: its first line of output, also as a number if it is one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.lines", *map(str, words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        yield line, int(line) if line.strip().isdigit() else 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _echo() -> None:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

    class Echo(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.send_close()
                transport.disconnect()
            elif frame.msg_type == WSMsgType.TEXT:
                message = frame.get_payload_as_bytes()
                if message.startswith(b'{"event":"media"'):
                    payload = message[message.index(b'"payload":"') + 11 : -3]
                    transport.send(WSMsgType.TEXT, b'{"event":"media","media":{"payload":"' + payload + b'"}}')

    server = await ws_create_server(lambda request: Echo(), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def _ours(port: int, lines: int) -> None:
    from simulator.audio import ulaw_decode
    from simulator.pacing import Wheel
    from simulator.telnyx.findings import Findings
    from simulator.telnyx.media.leg_audio import LegAudio
    from simulator.telnyx.media.options import StreamOptions
    from simulator.telnyx.media.stream import MediaStream
    from simulator.telnyx.media.wire import StartFields

    wheel, spoken = Wheel(), _speech()
    options = StreamOptions(f"ws://127.0.0.1:{port}/", mode="rtp")
    start = StartFields("user", "v3:call", "session", "+13125550100", "+13125550101")
    samples = [ulaw_decode(frame) for frame in spoken]

    async def line(number: int) -> tuple[Callable[[], None], Callable[[], int]]:
        stream = MediaStream(options, start, LegAudio(), Findings())
        await stream.open()
        place = number

        def tick() -> None:
            nonlocal place
            place += 1
            stream.carry(samples[place % len(samples)], stream.hear())

        return tick, lambda: stream.frames_received

    await _measure(lines, line, wheel.add)


async def _bare(port: int, lines: int) -> None:
    """The same bytes both ways on an absolute schedule, with nothing of the simulator."""
    import base64

    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    spoken = [base64.b64encode(frame).decode() for frame in _speech()]
    slots: list[list[Callable[[], None]]] = [[] for _ in range(20)]

    class Line(WSListener):
        received = 0

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            message = msgspec.json.decode(frame.get_payload_as_bytes())
            base64.b64decode(message["media"]["payload"])
            self.received += 1

    async def line(number: int) -> tuple[Callable[[], None], Callable[[], int]]:
        transport, listener = await ws_connect(Line, f"ws://127.0.0.1:{port}/")
        assert isinstance(listener, Line)
        place = number

        def tick() -> None:
            nonlocal place
            place += 1
            transport.send(
                WSMsgType.TEXT,
                f'{{"event":"media","sequence_number":"{place}","stream_id":"32DE0DEA-53CB-4B21-89A4-9E1819C043BC",'
                f'"media":{{"track":"inbound","chunk":"{place}","timestamp":"{place * 20}",'
                f'"payload":"{spoken[place % len(spoken)]}"}}}}',
            )

        return tick, lambda: listener.received

    async def turn() -> None:
        begin, step = monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, begin + step * 0.001 - monotonic()))
            for tick in slots[step % 20]:
                tick()
            step += 1

    def add(tick: Callable[[], None]) -> None:
        min(slots, key=len).append(tick)

    turning = asyncio.create_task(turn())
    await _measure(lines, line, add)
    turning.cancel()


async def _measure(lines: int, line: Callable, add: Callable[[Callable[[], None]], object]) -> None:
    opened = []
    for start in range(0, lines, _DIAL_AT_ONCE):
        dialled = [line(number) for number in range(start, min(start + _DIAL_AT_ONCE, lines))]
        opened += await asyncio.gather(*dialled)
    received = [count for _, count in opened]
    sent: list[list[float]] = [[] for _ in opened]
    for (tick, _), times in zip(opened, sent, strict=True):
        add(_timed(tick, times))
    await asyncio.sleep(_WARM_UP_S)
    for times in sent:
        times.clear()
    before, cpu, begin = sum(count() for count in received), time.process_time(), monotonic()
    await asyncio.sleep(_SECONDS)
    spent = (time.process_time() - cpu) / (monotonic() - begin) * 100
    values = np.sort(np.concatenate([_late(times) for times in sent])) * 1000
    echoed = (sum(count() for count in received) - before) / len(values) * 100
    figures = _Figures(
        float(values[int(len(values) * 0.5)]),
        float(values[int(len(values) * 0.99)]),
        float(values[-1]),
        float(np.mean(values > 5) * 100),
        float(np.mean(values > 20) * 100),
        spent,
        echoed,
    )
    print(msgspec.json.encode(figures).decode(), flush=True)


def _timed(tick: Callable[[], None], sent: list[float]) -> Callable[[], None]:
    def timed() -> None:
        tick()
        sent.append(monotonic())

    return timed


def _late(sent: list[float]) -> FloatArray:
    """Seconds behind a line's own grid of 20 ms, laid through its earliest frame."""
    behind = np.asarray(sent) - np.arange(len(sent)) * 0.020
    return behind - behind.min()


def _speech() -> list[bytes]:
    """A second of µ-law frames, none of them silent or like another."""
    from simulator.audio import ulaw_encode

    at = np.arange(8000)
    wave = 6000 * np.sin(at * 0.3) * np.sin(at * 0.0021) + 500 * np.sin(at * 1.7)
    encoded = ulaw_encode(wave.astype(np.int16))
    return [encoded[start : start + 160] for start in range(0, len(encoded), 160)]


def _main(side: str, core: str, *rest: str) -> None:
    import uvloop

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    sides = {"echo": _echo, "ours": _ours, "bare": _bare}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(sides[side](*map(int, rest)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
