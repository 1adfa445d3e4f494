"""The floor of the benchmark of lines: the same bytes both ways on the same schedule, without the simulator."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Callable
from time import monotonic

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from simulator.audio import ulaw_encode
from tests.bench.lines_measured import DIAL_AT_ONCE, Clock, measure, speech


class _Line(WSListener):
    received = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        message = msgspec.json.decode(frame.get_payload_as_bytes())
        base64.b64decode(message["media"]["payload"])
        self.received += 1


def _talker(transport: WSTransport, number: int, spoken: list[str]) -> Callable[[], None]:
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

    return tick


async def _turn(slots: list[list[Callable[[], None]]]) -> None:
    begin, step = monotonic(), 0
    while True:
        await asyncio.sleep(max(0.0, begin + step * 0.001 - monotonic()))
        for tick in slots[step % len(slots)]:
            tick()
        step += 1


async def _connect(port: int, lines: int) -> tuple[WSTransport, _Line]:
    transport, line = await ws_connect(_Line, f"ws://127.0.0.1:{port}/{lines}")
    assert isinstance(line, _Line)
    return transport, line


async def _talk(port: int, lines: int) -> None:
    coded = ulaw_encode(speech())
    spoken = [base64.b64encode(coded[at : at + 160]).decode() for at in range(0, len(coded), 160)]
    connections: list[tuple[WSTransport, _Line]] = []
    while len(connections) < lines:
        dialled = [_connect(port, lines) for _ in range(min(DIAL_AT_ONCE, lines - len(connections)))]
        connections += await asyncio.gather(*dialled)
    sent: list[list[float]] = [[] for _ in connections]
    clock = Clock()
    slots: list[list[Callable[[], None]]] = [[] for _ in range(20)]
    for number, (transport, _) in enumerate(connections):
        slots[number % 20].append(clock.timed(_talker(transport, number, spoken), sent[number]))
    turning = asyncio.create_task(_turn(slots))
    await measure(port, sent, lambda: sum(line.received for _, line in connections))
    turning.cancel()


if __name__ == "__main__":
    uvloop.run(_talk(int(sys.argv[1]), int(sys.argv[2])))
