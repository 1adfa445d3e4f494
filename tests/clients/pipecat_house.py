"""Pipecat's AssemblyAI service in a pipeline of its own."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.assemblyai.stt import AssemblyAISTTService
from pipecat.workers.runner import WorkerRunner

from tests.clients.clients_house import FRAME_MS, PATIENCE_S, Heard, News, Setup


class _Listener(FrameProcessor):
    """Comes after the service, where an agent would."""

    def __init__(self, heard: Heard, news: News) -> None:
        super().__init__(enable_direct_mode=True)
        self._heard, self._news = heard, news

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        heard = self._heard
        match frame:
            case TranscriptionFrame():
                heard.finals.append(frame.text)
                heard.confirmed += frame.finalized
            case InterimTranscriptionFrame():
                heard.partials += 1
            case ProposedUserStartedSpeakingFrame():
                heard.started += 1
            case ProposedUserStoppedSpeakingFrame():
                heard.stopped += 1
            case _:
                pass
        self._news.tell()
        await self.push_frame(frame, direction)


class PipecatService:
    """`AssemblyAISTTService` with its defaults, but for the waits between its tries to reconnect."""

    def __init__(self, base: str, setup: Setup) -> None:
        self.heard = Heard()
        self._setup = setup
        self._news = News()
        self.until = self._news.until
        self.service = AssemblyAISTTService(
            api_key="any",
            api_endpoint_base_url=f"{base}/v3/ws",
            vad_force_turn_endpoint=setup.by_vad,
            settings=AssemblyAISTTService.Settings(model=setup.model, **setup.options),
            reconnect_backoff_min_wait=0.05,
            reconnect_backoff_max_wait=0.1,
        )
        self.service.add_event_handler("on_error", self._error)
        self.service.add_event_handler("on_usable_changed", self._usable)
        self._worker = PipelineWorker(
            Pipeline([self.service, _Listener(self.heard, self._news)]),
            params=PipelineParams(audio_in_sample_rate=setup.rate, audio_out_sample_rate=setup.rate),
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
        )
        self._started = asyncio.Event()
        self._worker.add_event_handler("on_pipeline_started", self._has_started)

    async def __aenter__(self) -> Self:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        self._running = asyncio.create_task(runner.run())
        async with asyncio.timeout(PATIENCE_S):
            await self._started.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._worker.queue_frame(EndFrame())
            async with asyncio.timeout(PATIENCE_S):
                await self._running
        else:
            await self._worker.cancel()
            await asyncio.wait({self._running}, timeout=5)

    async def feed(self, pcm: bytes) -> None:
        rate = self._setup.rate
        size = rate * 2 * FRAME_MS // 1000
        for start in range(0, len(pcm), size):
            await self._worker.queue_frame(InputAudioRawFrame(pcm[start : start + size], rate, 1))

    async def tune(self, **fields: Any) -> None:
        await self._worker.queue_frame(STTUpdateSettingsFrame(delta=AssemblyAISTTService.Settings(**fields)))

    async def force(self) -> None:
        """What a voice activity detector of Pipecat sends; the service makes a ForceEndpoint of it."""
        await self._worker.queue_frame(VADUserStoppedSpeakingFrame())

    async def _has_started(self, _worker: object, _frame: object) -> None:
        self._started.set()

    async def _error(self, _service: object, frame: ErrorFrame) -> None:
        self._news.tell(lambda: self.heard.errors.append(frame.error))

    async def _usable(self, _service: object, usable: bool) -> None:
        if not usable:
            self._news.end(lambda: setattr(self.heard, "gave_up", "unusable"))
