"""The application of the benchmark of lines: it sends back what it hears, and holds a stopwatch on one line.

Lines connect to /N, N being how many there will be; the one in the middle is watched until /gaps is asked for.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from time import monotonic

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from tests.bench.lines_measured import SECONDS

_HEAD, _PAYLOAD = b'{"event":"media"', b'"payload":"'
_FRAMES = int(SECONDS * 50)


class _Echo(WSListener):
    def __init__(self, arrived: list[float] | None) -> None:
        self._arrived = arrived

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close()
            transport.disconnect()
            return
        message = frame.get_payload_as_bytes()
        if message.startswith(_HEAD):
            if self._arrived is not None:
                self._arrived.append(monotonic())
            payload = message[message.index(_PAYLOAD) + len(_PAYLOAD) : -3]
            transport.send(WSMsgType.TEXT, b'{"event":"media","media":{"payload":"' + payload + b'"}}')


class _Gaps(WSListener):
    def __init__(self, arrived: list[float]) -> None:
        last = arrived[-_FRAMES:]
        self._gaps = [abs(late - early - 0.020) * 1000 for early, late in pairwise(last)]

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, msgspec.json.encode(self._gaps))


class _Switchboard:
    def __init__(self) -> None:
        self._connected = 0
        self._arrived: list[float] = []

    def listener(self, request: WSUpgradeRequest) -> WSListener:
        path = request.path.decode().strip("/")
        if path == "gaps":
            arrived, self._arrived, self._connected = self._arrived, [], 0
            return _Gaps(arrived)
        self._connected += 1
        return _Echo(self._arrived if self._connected == int(path) // 2 + 1 else None)


async def _serve() -> None:
    server = await ws_create_server(_Switchboard().listener, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve())
