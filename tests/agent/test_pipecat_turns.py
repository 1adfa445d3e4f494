"""What Pipecat makes of words that come late, or whose end an operator decided, when the VAD ends the turns."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pipecat.frames.frames import (
    ControlFrame,
    Frame,
    LLMContextFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregator
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from agent.definition import TurnSettings, VadTurns
from agent.frameworks import pipecat_services as services


class Mark(ControlFrame):
    """Comes out once all that went in before it was heeded."""


class Asked(FrameProcessor):
    """Stands where the LLM stands."""

    def __init__(self) -> None:
        super().__init__()
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.listening = asyncio.Event()
        self.marked = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, UserStartedSpeakingFrame):
            self.listening.set()
        if isinstance(frame, Mark):
            self.marked.set()
        if isinstance(frame, LLMContextFrame):
            last = frame.context.get_messages()[-1]
            assert isinstance(last, dict)
            self.words.put_nowait(str(last.get("content")))
        await self.push_frame(frame, direction)


class Told(BaseObserver):
    """Is told of every question to the LLM, asked or not any more."""

    def __init__(self) -> None:
        super().__init__(observe_every_push=False)
        self.questions = 0

    async def on_push_frame(self, data: FramePushed) -> None:
        self.questions += isinstance(data.frame, LLMContextFrame)


@dataclass
class Ear:
    user: LLMUserAggregator
    asked: Asked
    told: Told
    worker: PipelineWorker
    running: asyncio.Task[None]

    async def hears(self, *frames: Frame) -> None:
        for frame in frames:
            await self.user.queue_frame(frame)

    async def answers(self) -> str:
        return await asyncio.wait_for(self.asked.words.get(), 10)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    services.SharedVad.load()
    settings = TurnSettings(ended_by="vad", vad=VadTurns(wait_s=0.01))
    user, _ = LLMContextAggregatorPair(LLMContext(), user_params=services.turn_taking(settings))
    asked, told = Asked(), Told()
    worker = PipelineWorker(Pipeline([user, asked]), idle_timeout_secs=None, enable_rtvi=False, observers=[told])
    started = asyncio.Event()

    async def on_started(_worker: object, _frame: object) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", on_started)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await asyncio.wait_for(started.wait(), 10)
    yield Ear(user, asked, told, worker, running)
    await worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def words(text: str) -> TranscriptionFrame:
    return TranscriptionFrame(text, "", "", finalized=True)


async def test_words_that_come_when_no_turn_is_open_are_answered(ear: Ear) -> None:
    await ear.hears(words("Hello there."))

    assert await ear.answers() == "Hello there."


async def test_a_turn_that_the_operator_ended_is_answered_although_the_vad_hears_on(ear: Ear) -> None:
    await ear.hears(VADUserStartedSpeakingFrame())
    await asyncio.wait_for(ear.asked.listening.wait(), 10)
    await ear.hears(words("I would like"), VADUserStoppedSpeakingFrame(stop_secs=0.2))

    assert await ear.answers() == "I would like"


async def test_words_that_a_hang_up_left_are_not_answered_at_the_end(ear: Ear) -> None:
    await ear.hears(VADUserStartedSpeakingFrame())
    await asyncio.wait_for(ear.asked.listening.wait(), 10)
    await ear.hears(words("I would like"), Mark())
    await asyncio.wait_for(ear.asked.marked.wait(), 10)
    await ear.user.reset()
    await ear.worker.cancel()
    await ear.running

    assert ear.told.questions == 0
