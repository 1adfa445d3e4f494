"""The other ends of the sound process's links, for tests: a WebSocket server that is told what to say, and an
engine that is ticked by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from console.sound.clock import BLOCK
from console.sound.protocol import Counters, Level, Report

Samples = npt.NDArray[np.int16]
R = TypeVar("R", bound=Report)

_WITHIN_S = 20.0


class Reports:
    """What was reported, in order."""

    def __init__(self) -> None:
        self.all: list[Report] = []
        self._read = 0
        self._more = asyncio.Event()

    def __call__(self, report: Report) -> None:
        self.all.append(report)
        self._more.set()

    async def next(
        self, kind: type[R], fits: Callable[[R], bool] = lambda _report: True, within_s: float = _WITHIN_S
    ) -> R:
        """The next report that fits, after the one that was found last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    while self._read < len(self.all):
                        self._read += 1
                        found = self.all[self._read - 1]
                        if isinstance(found, kind) and fits(found):
                            return found
                    self._more.clear()
                    await self._more.wait()
        told = [one for one in self.all if not isinstance(one, Counters | Level)]
        raise AssertionError(f"no such {kind.__name__} was reported within {within_s:g} s: {told}")


class HandEngine:
    """Sources and sinks, moved on by :meth:`hear` and :meth:`speak`."""

    speaker_delay_ms = 25.0

    def __init__(self) -> None:
        self.sources: list[Any] = []
        self.sinks: list[Any] = []

    def add_source(self, source: Any) -> None:
        self.sources = [*(one for one in self.sources if one is not source), source]

    def remove_source(self, source: Any) -> None:
        self.sources = [one for one in self.sources if one is not source]

    def add_sink(self, sink: Any) -> None:
        self.sinks = [*(one for one in self.sinks if one is not sink), sink]

    def remove_sink(self, sink: Any) -> None:
        self.sinks = [one for one in self.sinks if one is not sink]

    def speak(self, *blocks: Samples) -> None:
        for block in blocks:
            for sink in self.sinks:
                sink.put(block, time.monotonic())

    async def hear(self, fits: Callable[[Samples], bool], most: int = 400) -> Samples:
        """What one source plays, tick by tick, until all of it together (samples × 2) fits."""
        heard = [np.zeros((BLOCK, 2), np.int16)]
        for _ in range(most):
            for source in self.sources:
                block = source.take()
                heard.append(np.zeros((BLOCK, 2), np.int16) if block is None else block)
            together = np.concatenate(heard)
            if fits(together):
                return together
            await asyncio.sleep(0.02)
        raise AssertionError("it was not heard")


class Peer:
    """A server; each connection is served by the test. ``refuse`` is a status and a body to answer with."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[Connection] = asyncio.Queue()
        self.requests: list[Request] = []
        self.refuse: tuple[HTTPStatus, str] | None = None
        self._server: Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", self.port, process_request=self._request, close_timeout=0.2, max_queue=2
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def connection(self) -> Connection:
        async with asyncio.timeout(_WITHIN_S):
            return await self.connections.get()

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return None if self.refuse is None else connection.respond(*self.refuse)

    async def _serve(self, socket: ServerConnection) -> None:
        self.connections.put_nowait(Connection(socket))
        await socket.wait_closed()


class Connection:
    """One client of a :class:`Peer`."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def texts(self) -> AsyncIterator[dict[str, Any]]:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                if isinstance(message, str):
                    yield json.loads(message)

    async def text(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(_WITHIN_S):
            async for message in self.texts():
                if message["type"] == kind:
                    return message
        raise AssertionError(f"no {kind} came")

    async def audio(self) -> bytes:
        async with asyncio.timeout(_WITHIN_S):
            while True:
                message = await self.socket.recv()
                if isinstance(message, bytes):
                    return message
