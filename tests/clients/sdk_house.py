"""AssemblyAI's own SDK, with threads and with asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from assemblyai.streaming.v3 import (
    AsyncRealTimeTranscriber,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeSessionParameters,
    RealTimeTranscriber,
    RealTimeTranscriberOptions,
    TurnEvent,
)

from tests.clients.clients_house import FRAME_MS, PATIENCE_S, Heard, News, Setup

# Connecting and ending block a thread each.
_BLOCKING = ThreadPoolExecutor(128, thread_name_prefix="sdk")


class _Threaded(RealTimeTranscriber):
    """The SDK's client; that its reading thread ended, and of what, is only noted."""

    on_read_over: Callable[[str], None]

    def _read_message(self) -> None:
        died = ""
        try:
            super()._read_message()
        except Exception as error:
            died = type(error).__name__
        self.on_read_over(died)


class _Asyncio(AsyncRealTimeTranscriber):
    """The SDK's client; that its reading task ended, and of what, is only noted."""

    on_read_over: Callable[[str], None]

    async def _read_loop(self) -> None:
        died = ""
        try:
            await super()._read_loop()
        except Exception as error:
            died = type(error).__name__
        self.on_read_over(died)


class _Sdk:
    """What both clients have in common."""

    def __init__(self, base: str, setup: Setup, kind: type[_Threaded] | type[_Asyncio]) -> None:
        self.heard = Heard()
        self._setup = setup
        self._news = News()
        self.until = self._news.until
        # The default of one second to connect is short for a machine that tries many clients at once.
        options = RealTimeTranscriberOptions(api_host=base, api_key="any", connect_timeout=PATIENCE_S)
        self.client: Any = kind(options)
        self.client.on_read_over = self._read_over
        on = self.client.on
        heard = self.heard
        on(RealTimeEvents.Begin, lambda *_: self._count("begun"))
        on(RealTimeEvents.SpeechStarted, lambda *_: self._count("started"))
        on(RealTimeEvents.Termination, lambda *_: self._count("terminated"))
        on(RealTimeEvents.Turn, lambda _, turn: self._news.tell(lambda: self._turn(turn)))
        on(RealTimeEvents.Error, lambda _, error: self._news.end(lambda: heard.errors.append(_told(error))))

    def parameters(self) -> RealTimeParameters:
        return RealTimeParameters.model_validate(
            {"speech_model": self._setup.model, "sample_rate": self._setup.rate, **self._setup.options}
        )

    def _count(self, name: str) -> None:
        self._news.tell(lambda: setattr(self.heard, name, getattr(self.heard, name) + 1))

    def _turn(self, turn: TurnEvent) -> None:
        self.heard.partials += 1
        if turn.end_of_turn and turn.transcript:
            self.heard.finals.append(turn.transcript)

    def _read_over(self, died: str) -> None:
        self._news.end(lambda: setattr(self.heard, "died", died))

    def _frames(self, pcm: bytes) -> list[bytes]:
        size = self._setup.rate * 2 * FRAME_MS // 1000
        return [pcm[start : start + size] for start in range(0, len(pcm), size)]


class SyncSdk(_Sdk):
    """`RealTimeTranscriber`: a thread reads, another writes."""

    def __init__(self, base: str, setup: Setup) -> None:
        super().__init__(base, setup, _Threaded)
        for thread in (self.client._read_thread, self.client._write_thread):
            # A session that a failing test never ends must not keep the process.
            thread.daemon = True

    async def __aenter__(self) -> Self:
        await self._blocking(self.client.connect, self.parameters())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.heard.died:
            # It told of its end a moment before it ended, and ending a session waits for one that has not.
            await self._blocking(self.client._read_thread.join)
        await self._blocking(self.client.disconnect, error is None)

    async def feed(self, pcm: bytes) -> None:
        self.client.stream(self._frames(pcm))

    async def tune(self, **fields: Any) -> None:
        self.client.set_params(RealTimeSessionParameters(**fields))

    async def force(self) -> None:
        self.client.force_endpoint()

    async def _blocking(self, function: Callable[..., object], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(_BLOCKING, function, *arguments)


class AsyncSdk(_Sdk):
    """`AsyncRealTimeTranscriber`."""

    def __init__(self, base: str, setup: Setup) -> None:
        super().__init__(base, setup, _Asyncio)

    async def __aenter__(self) -> Self:
        await self.client.connect(self.parameters())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.disconnect(terminate=error is None)

    async def feed(self, pcm: bytes) -> None:
        await self.client.stream(self._frames(pcm))

    async def tune(self, **fields: Any) -> None:
        await self.client.set_params(RealTimeSessionParameters(**fields))

    async def force(self) -> None:
        await self.client.force_endpoint()


def _told(error: Any) -> str:
    return f"{error.code} {error}"
