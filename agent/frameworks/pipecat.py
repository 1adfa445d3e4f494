"""The agent of a call as a Pipecat pipeline on our line.

The whole audio path runs at the line's own rates, 8 or 16 kHz: Pipecat's streaming resampler holds back 64 ms on
the way in and 85 ms on the way out otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, cast

from openai import AsyncOpenAI
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    InterruptionFrame,
    LLMRunFrame,
    TTSSpeakFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    AssistantTurnStoppedMessage,
    LLMContextAggregatorPair,
)
from pipecat.services.llm_service import FunctionCallParams
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner
from starlette.websockets import WebSocket

from agent import events
from agent.carriers.telnyx_line import TelnyxLine
from agent.definition import Definition
from agent.frameworks import Job, openai_client
from agent.frameworks import pipecat_services as services
from agent.frameworks.guards import Guards
from agent.frameworks.leaving import NO_AUDIO_S, Leaving
from agent.frameworks.operator_words import OpenAiWords
from agent.frameworks.pipecat_line import LineSerializer
from agent.frameworks.pipecat_observer import TurnObserver
from agent.settings import Service

_LAST_WORDS_S = 15.0
_TTS_FAILURES = 2
_FINAL_RECENT_NS = 1_000_000_000
_HUSHED_S = 2.0


class Pipecat:
    """Runs calls with Pipecat; ``load`` before the first."""

    name = "pipecat"

    def __init__(self, definition: Definition, llm: Service) -> None:
        self._definition = definition
        self._llm = llm
        self._client: AsyncOpenAI | None = None

    def load(self) -> None:
        if self._definition.turn.ended_by == "vad":
            services.SharedVad.load()
        self._client = openai_client.llm_client(self._llm, self._definition.llm.timeout_s)

    async def warm(self) -> None:
        assert self._client is not None
        await openai_client.warm(self._client)

    def session(self, job: Job) -> PipecatSession:
        assert self._client is not None
        return PipecatSession(job, self._client)


class PipecatSession:
    """One call's pipeline."""

    def __init__(self, job: Job, client: AsyncOpenAI) -> None:
        self._job = job
        self._leaving = Leaving(job)
        self._guards = Guards(job.emit)
        self._tts_failures = 0
        self._ready = asyncio.Event()
        """The pipeline has its greeting, or it is over."""
        self._last_turn: tuple[dict[str, Any] | None, int] = None, 0
        """What the caller said last, and when they had said it."""
        line = job.line
        assert isinstance(line, TelnyxLine)
        self._serializer = LineSerializer(line, job.turns, self._hang_up)
        definition = job.definition
        self._transport = FastAPIWebsocketTransport(
            # The line offers what the transport uses of a WebSocket.
            websocket=cast("WebSocket", line),
            params=FastAPIWebsocketParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                audio_out_end_silence_secs=0,
                serializer=self._serializer,
            ),
        )
        self._stt = services.speech_to_text(definition, job.stt_url)
        self._llm = services.language_model(definition, client, job.instructions)
        self._tts = services.text_to_speech(definition.voice, job.tts)
        self._context = LLMContext(tools=services.tool_schemas(definition.tools))
        self._words = OpenAiWords(lambda: self._messages)
        for tool in definition.tools:
            self._llm.register_function(tool.name, self._run_tool, timeout_secs=tool.timeout_s + 1)
        self._user, assistant = LLMContextAggregatorPair(
            self._context, user_params=services.turn_taking(definition.turn)
        )
        transport = self._transport
        self._worker = PipelineWorker(
            Pipeline(
                [transport.input(), self._stt, self._user, self._llm, self._tts, transport.output(), assistant]
            ),
            params=PipelineParams(
                audio_in_sample_rate=line.hears.rate,
                audio_out_sample_rate=line.speaks.rate,
                # Latency is taken from the wire and the tap; upstream's metrics are frames of their own that
                # pass through the whole pipeline in the middle of every answer.
                enable_metrics=False,
                enable_usage_metrics=True,
            ),
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
            observers=[
                TurnObserver(
                    job.turns,
                    llm=self._llm,
                    tts=self._tts,
                    model=definition.llm.model,
                    turn_over=self._turn_over,
                    answer_sent=self._answer_sent,
                )
            ],
        )
        transport.add_event_handler("on_client_connected", self._greet)
        transport.add_event_handler("on_client_disconnected", self._line_over)
        self._tts.add_event_handler("on_tts_request", self._tts_asked)
        self._worker.add_event_handler("on_pipeline_error", self._failed)
        assistant.add_event_handler("on_assistant_turn_stopped", self._answer_over)
        if definition.turn.ended_by == "vad":
            job.tap.on_forced = lambda: self._guards.after(0, self._stop_hearing)

    async def run(self) -> None:
        job = self._job
        job.line.on_audio_out = job.turns.media_sent
        runner = WorkerRunner(handle_sigint=False, force_gc=True)
        try:
            await runner.add_workers(self._worker)
            await runner.run()
        finally:
            self._ready.set()
            self._guards.cancel()
        await job.tap.finish()
        self._leaving.tell_last_words()

    async def trouble(self, reason: str) -> None:
        if self._leaving.begun or self._leaving.left_to_operator(self._llm.held, reason, self.trouble):
            return
        self._leaving.begin(reason)
        last_words = TTSSpeakFrame(self._job.definition.trouble, append_to_context=False)
        last_words.interruptible = False
        await self._leave_unanswered()
        await self._worker.queue_frames([last_words, EndFrame()])
        self._guards.after(_LAST_WORDS_S, self._give_up)

    async def stop(self) -> None:
        await self._leave()

    @property
    def leaving(self) -> bool:
        return self._leaving.begun

    async def hush(self) -> None:
        await self._ready.wait()
        if self._leaving.begun:
            return
        passed = self._serializer.interrupted
        passed.clear()
        # From the LLM on: further up it would take words of the caller's with it.
        await self._llm.queue_frame(InterruptionFrame())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(passed.wait(), _HUSHED_S)

    async def say(self, text: str) -> None:
        await self._tts.queue_frame(TTSSpeakFrame(text))

    def whisper(self, text: str) -> None:
        self._words.add_guidance(text)

    async def hold(self) -> None:
        self._llm.held = True
        await self.hush()

    async def release(self, words: str = "") -> None:
        self._llm.held = False
        if self._leaving.after_hold is not None:
            await self._leaving.after_hold()
        elif words or not self._words.begun:
            await self.say(words or self._job.greeting)
        elif self._words.unanswered and not self._job.turns.user_speaking:
            await self._user.queue_frame(LLMRunFrame())

    def operator_spoke(self, text: str, at: int) -> None:
        words, spoke_at = self._last_turn
        self._words.add_spoken(text, before=words if at < spoke_at else None)

    @property
    def _messages(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self._context.get_messages())

    async def _greet(self, _transport: object, _websocket: object) -> None:
        if not self._llm.held:
            await self._worker.queue_frames([TTSSpeakFrame(self._job.greeting)])
        self._ready.set()

    async def _line_over(self, _transport: object, _websocket: object) -> None:
        await self._leave()

    async def _leave(self) -> None:
        self._leaving.line_is_over()
        await self._leave_unanswered()
        await self._worker.cancel()

    async def _leave_unanswered(self) -> None:
        """Words that were heard and not answered yet: when it ends, Pipecat would ask the LLM about them."""
        await self._user.reset()

    async def _stop_hearing(self) -> None:
        """The operator has ended the turn: without this it would wait for the VAD to find silence."""
        await self._user.queue_frame(VADUserStoppedSpeakingFrame(stop_secs=self._job.definition.turn.vad.stop_s))

    async def _tts_asked(self, _tts: object, _context: str, text: str) -> None:
        self._job.turns.tts_asked(time.monotonic_ns(), text)
        self._guards.after(NO_AUDIO_S, self._expect_audio)

    def _turn_over(self, text: str, at: int) -> None:
        job = self._job
        by_service = job.definition.turn.ended_by == "assemblyai"
        final_at = job.tap.final_at
        job.tap.unanswered.taken(at)
        self._last_turn = self._words.last_of_caller(), job.line.ear.last_voiced or at
        job.turns.user_stopped(
            text,
            decided_by=job.definition.turn.ended_by,
            declared=final_at if by_service and at - final_at < _FINAL_RECENT_NS else at,
            last_voiced=job.line.ear.last_voiced,
            confidence=job.tap.final_confidence if by_service else None,
        )

    def _answer_sent(self) -> None:
        self._job.turns.agent_stopped()
        self._guards.after(0, self._job.line.spoken)

    async def _answer_over(self, _aggregator: object, message: AssistantTurnStoppedMessage) -> None:
        """Let the LLM know what the caller heard: upstream's context holds all that was generated."""
        heard = self._job.turns.last_heard
        if not message.interrupted or heard is None:
            return
        for entry in reversed(self._messages):
            if entry.get("role") == "assistant" and entry.get("content"):
                if entry["content"] == message.content:
                    entry["content"] = f"{heard}—" if heard else "—"
                return

    async def _run_tool(self, params: FunctionCallParams) -> None:
        value = await self._job.tools.call(
            params.function_name, params.tool_call_id, params.arguments, self._job.turns.turn
        )
        await params.result_callback(dict(value))

    async def _failed(self, _worker: object, frame: ErrorFrame) -> None:
        """An error of a service. The tap has told those of AssemblyAI already, with their own words."""
        processor = frame.processor
        if processor is self._stt:
            if not self._stt.is_usable:
                await self.trouble("speech recognition does not work any more.")
        elif processor is self._llm:
            self._error("llm", frame, "Look at OPENAI_API_KEY, the model's name and the service's status.")
            await self.trouble("the language model did not answer.")
        elif processor is self._tts:
            self._tts_failures += 1
            if self._tts_failures == 1:
                key = f"{self._job.definition.voice.service.upper()}_API_KEY"
                self._error("tts", frame, f"Look at {key}, the voice's name and the service's status.")
            if self._tts_failures >= _TTS_FAILURES or not self._tts.is_usable:
                await self._voiceless("the voice service does not work.")
        elif not self._leaving.begun:
            self._error("agent", frame, "See the agent's log.")

    def _error(self, where: str, frame: ErrorFrame, fix: str) -> None:
        self._job.emit(events.Error(where=where, message=f"{frame.error.rstrip('.')}."[:500], fix=fix))

    async def _expect_audio(self) -> None:
        if self._leaving.voice_is_silent():
            await self._voiceless("the voice service is silent.")

    async def _voiceless(self, reason: str) -> None:
        """Without a voice nothing can be said: hang up rather than leave the caller in silence."""
        if self._leaving.begun or self._leaving.left_to_operator(self._llm.held, reason, self._voiceless):
            return
        self._leaving.begin(reason)
        await self._give_up()

    async def _give_up(self) -> None:
        await self._hang_up()
        await self._leave()

    async def _hang_up(self) -> None:
        await self._job.hang_up(self._leaving.reason)
