"""LiveKit's AssemblyAI plugin, outside a job."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Self

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEventType
from livekit.plugins import assemblyai

from tests.clients.clients_house import FRAME_MS, PATIENCE_S, Heard, News, Setup


class LiveKitPlugin:
    """`assemblyai.STT` with its defaults, but for the waits between its tries to reconnect."""

    def __init__(self, base: str, setup: Setup) -> None:
        self.heard = Heard()
        self._base, self._setup = base, setup
        self._news = News()
        self.until = self._news.until

    async def __aenter__(self) -> Self:
        setup = self._setup
        self._http = aiohttp.ClientSession()
        self.plugin = assemblyai.STT(
            api_key="any",
            base_url=self._base,
            http_session=self._http,
            model=setup.model,  # type: ignore[arg-type]
            sample_rate=setup.rate,
            **setup.options,
        )
        self.plugin.on("error", lambda event: self.heard.errors.append(str(event.error)))
        waits = APIConnectOptions(max_retry=3, retry_interval=0.1, timeout=PATIENCE_S)
        self._stream = self.plugin.stream(conn_options=waits)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                # The plugin may give up in this very moment.
                with contextlib.suppress(RuntimeError):
                    self._stream.end_input()
                await self._listening
        finally:
            self._listening.cancel()
            await self._stream.aclose()
            await self._http.close()

    async def feed(self, pcm: bytes) -> None:
        rate = self._setup.rate
        size = rate * 2 * FRAME_MS // 1000
        for start in range(0, len(pcm), size):
            frame = pcm[start : start + size]
            with contextlib.suppress(RuntimeError):
                self._stream.push_frame(rtc.AudioFrame(frame, rate, 1, len(frame) // 2))

    async def tune(self, **fields: Any) -> None:
        self.plugin.update_options(**fields)

    async def force(self) -> None:
        self._stream.force_endpoint()

    async def _listen(self) -> None:
        heard = self.heard
        try:
            async for event in self._stream:
                if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                    if text := event.alternatives[0].text:
                        heard.finals.append(text)
                elif event.type is SpeechEventType.INTERIM_TRANSCRIPT:
                    heard.partials += 1
                elif event.type is SpeechEventType.START_OF_SPEECH:
                    heard.started += 1
                elif event.type is SpeechEventType.END_OF_SPEECH:
                    heard.stopped += 1
                self._news.tell()
        except Exception as error:
            heard.gave_up = type(error).__name__
        self._news.end()
