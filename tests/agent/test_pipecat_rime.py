"""Rime's voice for Pipecat, against a Rime whose every answer the test gives itself."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from websockets.asyncio.server import ServerConnection, serve

from agent.definition import Voice
from agent.frameworks.pipecat_services import text_to_speech
from agent.settings import Service

T = TypeVar("T")
WAIT_S = 30


class Rime:
    """The other end: it answers nothing by itself."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.query: dict[str, str] = {}
        self.keys: list[str] = []
        self.socket: ServerConnection | None = None

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.query = dict(parse_qsl(urlsplit(socket.request.path).query))
        self.keys.append(socket.request.headers["Authorization"])
        self.socket = socket
        async for message in socket:
            self.asked.put_nowait(json.loads(message))

    async def piece(self) -> tuple[str, str]:
        """Context and text of the next piece, which is flushed at once."""
        text = await asyncio.wait_for(self.asked.get(), WAIT_S)
        assert await asyncio.wait_for(self.asked.get(), WAIT_S) == {"operation": "flush"}
        return text["contextId"], text["text"]

    async def tell(self, **event: Any) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(event))

    async def speak(self, context: str, audio: bytes, done: bool = True, words: tuple[Any, ...] = ()) -> None:
        await self.tell(type="chunk", data=base64.b64encode(audio).decode(), contextId=context)
        if words:
            names, starts, ends = words
            stamps = {"words": names, "start": starts, "end": ends}
            await self.tell(type="timestamps", word_timestamps=stamps, contextId=context)
        if done:
            await self.tell(type="done", contextId=context)


class Ear(FrameProcessor):
    """Both ends of the pipeline: what came down and what went up."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Frame] = []
        self.changed = asyncio.Condition()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        async with self.changed:
            self.heard.append(frame)
            self.changed.notify_all()
        await self.push_frame(frame, direction)

    async def until(self, found: Callable[[], T]) -> T:
        async with asyncio.timeout(WAIT_S), self.changed:
            return await self.changed.wait_for(found)

    @property
    def audio(self) -> bytes:
        return b"".join(frame.audio for frame in self.heard if isinstance(frame, TTSAudioRawFrame))

    def count(self, kind: type[Frame]) -> int:
        return sum(isinstance(frame, kind) for frame in self.heard)


class Stage:
    def __init__(self, rime: Rime, above: Ear, below: Ear, worker: PipelineWorker) -> None:
        self.rime, self.above, self.below, self.worker = rime, above, below, worker

    async def send(self, *frames: Frame) -> None:
        await self.worker.queue_frames(frames)

    async def error(self) -> str:
        """The first error that the service told."""

        def first() -> str:
            return next((frame.error for frame in self.above.heard if isinstance(frame, ErrorFrame)), "")

        return await self.above.until(first)


@contextlib.asynccontextmanager
async def on_stage(voice: Voice, rate: int = 8000) -> AsyncIterator[Stage]:
    rime, above, below = Rime(), Ear(), Ear()
    async with serve(rime.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        service = text_to_speech(voice, Service(f"ws://127.0.0.1:{port}", "a-key"))
        worker = PipelineWorker(
            Pipeline([above, service, below]),
            params=PipelineParams(audio_in_sample_rate=rate, audio_out_sample_rate=rate),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        try:
            yield Stage(rime, above, below, worker)
        finally:
            await worker.cancel()
            await asyncio.wait_for(running, WAIT_S)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with on_stage(Voice(service="rime")) as made:
        yield made


def answer(*sentences: str) -> list[Frame]:
    return [LLMFullResponseStartFrame(), *map(LLMTextFrame, sentences)]


async def test_a_sentence_that_comes_after_done_is_spoken_in_the_same_answer(stage: Stage) -> None:
    await stage.send(*answer("Good morning. ", "How"))
    context, text = await stage.rime.piece()
    assert text.strip() == "Good morning."
    await stage.rime.speak(context, b"\1\0" * 80, words=(["Good", "morning."], [0, 0.3], [0.3, 1.0]))
    await stage.below.until(lambda: stage.below.audio)
    await stage.send(LLMTextFrame(" are you? "), LLMFullResponseEndFrame())
    again, text = await stage.rime.piece()
    assert (again, text.strip()) == (context, "How are you?")
    assert not stage.below.count(TTSStoppedFrame)
    await stage.rime.speak(context, b"\2\0" * 80, words=(["How", "are", "you?"], [0, 0.2, 0.4], [0.2, 0.4, 0.9]))
    await stage.below.until(lambda: stage.below.count(LLMFullResponseEndFrame))
    assert stage.below.audio == b"\1\0" * 80 + b"\2\0" * 80
    assert stage.below.count(TTSStoppedFrame) == 1
    words = [frame for frame in stage.below.heard if isinstance(frame, TTSTextFrame)]
    assert [frame.text for frame in words] == ["Good", "morning.", "How", "are", "you?"]
    # Rime counts anew in each piece, the answer does not.
    times = [frame.pts - words[0].pts for frame in words if frame.pts and words[0].pts]
    assert [round(at / 1e8) for at in times] == [0, 3, 10, 12, 14]


async def test_the_next_sentence_waits_until_the_one_before_is_done(stage: Stage) -> None:
    await stage.send(*answer("One. ", "Two. ", "Three. "), LLMFullResponseEndFrame())
    said = []
    for _ in range(3):
        context, text = await stage.rime.piece()
        assert stage.rime.asked.empty()
        said.append(text.strip())
        await stage.rime.speak(context, b"\1\0" * 80)
    await stage.below.until(lambda: stage.below.count(TTSStoppedFrame))
    assert said == ["One.", "Two.", "Three."]


async def test_an_interrupted_answer_is_dropped_and_the_next_one_is_not(stage: Stage) -> None:
    await stage.send(*answer("One. ", "Two. ", "Three. "))
    old, _ = await stage.rime.piece()
    await stage.rime.speak(old, b"\1\0" * 80, done=False)
    await stage.below.until(lambda: stage.below.audio)
    await stage.send(InterruptionFrame())
    await stage.below.until(lambda: stage.below.count(InterruptionFrame))
    await stage.send(*answer("Listening. "), LLMFullResponseEndFrame())
    new, text = await stage.rime.piece()
    assert text.strip() == "Listening."
    # Rime finishes what it is at.
    await stage.rime.speak(old, b"\3\0" * 80)
    await stage.rime.speak(new, b"\2\0" * 80)
    await stage.below.until(lambda: stage.below.count(TTSStoppedFrame))
    assert stage.below.audio == b"\1\0" * 80 + b"\2\0" * 80


async def test_what_rime_does_not_understand_is_told_and_the_rest_is_spoken(stage: Stage) -> None:
    await stage.send(*answer("One. ", "Two. "), LLMFullResponseEndFrame())
    await stage.rime.piece()
    await stage.rime.tell(type="error", message="no such thing")
    context, text = await stage.rime.piece()
    assert text.strip() == "Two."
    await stage.rime.speak(context, b"\2\0" * 80)
    await stage.below.until(lambda: stage.below.count(TTSStoppedFrame))
    assert "no such thing" in await stage.error()


async def test_why_rime_closed_the_connection_is_told_and_the_next_answer_is_spoken(stage: Stage) -> None:
    await stage.send(*answer("One. "), LLMFullResponseEndFrame())
    await stage.rime.piece()
    closed = stage.rime.socket
    assert closed is not None
    await closed.close(1011, "400: Speaker 'x' doesn't match.")
    assert "400: Speaker 'x' doesn't match." in await stage.error()
    await stage.below.until(lambda: stage.below.count(LLMFullResponseEndFrame))
    await stage.send(TTSSpeakFrame("Once more."))
    context, text = await stage.rime.piece()
    assert text.strip() == "Once more."
    assert stage.rime.socket is not closed
    await stage.rime.speak(context, b"\2\0" * 80)
    await stage.below.until(lambda: stage.below.audio)


async def test_a_text_that_is_longer_than_rime_takes_comes_in_parts(stage: Stage) -> None:
    await stage.send(TTSSpeakFrame("word " * 500))
    parts = []
    for _ in range(3):
        context, text = await stage.rime.piece()
        parts.append(text)
        await stage.rime.speak(context, b"\1\0" * 80)
    await stage.below.until(lambda: stage.below.count(TTSStoppedFrame))
    assert max(map(len, parts)) <= 1000
    assert " ".join(parts).split() == ["word"] * 500


@pytest.mark.parametrize(
    ("voice", "rate", "asked"),
    [
        (Voice(service="rime"), 8000, {"speaker": "astra", "modelId": "coda"}),
        (Voice(service="rime", speed=1.25), 16000, {"speaker": "astra", "modelId": "coda", "speedAlpha": "1.25"}),
        (
            Voice(service="rime", name="summit", model="mistv2", speed=1.25),
            16000,
            {"speaker": "summit", "modelId": "mistv2", "speedAlpha": "0.8"},
        ),
    ],
)
async def test_the_definitions_voice_is_asked_at_the_lines_rate(
    voice: Voice, rate: int, asked: dict[str, str]
) -> None:
    async with on_stage(voice, rate) as stage:
        await stage.send(TTSSpeakFrame("Hello."))
        await stage.rime.piece()
        assert stage.rime.query == {"audioFormat": "pcm", "samplingRate": str(rate), "segment": "never", **asked}
        assert stage.rime.keys == ["Bearer a-key"]
