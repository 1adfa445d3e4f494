"""The agent of a call as a LiveKit AgentSession on our line, in the agent's own process and without a server.

The whole audio path runs at the line's own rates. Nothing of LiveKit's cloud is used: no inference, no recording,
no telemetry, and nobody can command a session from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from concurrent.futures import Executor

import aiohttp
from livekit.agents import (
    AgentSession,
    APIConnectOptions,
    APIError,
    APIStatusError,
    CloseEvent,
    ErrorEvent,
    UserStateChangedEvent,
    llm,
)
from livekit.agents.llm import ChatItem
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.agent_session import SessionConnectOptions
from openai import AsyncOpenAI

from agent import events
from agent.frameworks import Job
from agent.frameworks import livekit_services as services
from agent.frameworks.guards import Guards
from agent.frameworks.leaving import NO_AUDIO_S, Leaving
from agent.frameworks.livekit_agent import CallAgent, Whole
from agent.frameworks.livekit_input import LineInput
from agent.frameworks.livekit_output import LineOutput
from agent.frameworks.livekit_voice import text_to_speech
from agent.frameworks.livekit_words import LiveKitWords

_LAST_WORDS_S = 15.0
_FINAL_RECENT_NS = 1_000_000_000
_HUSHED_S = 2.0
_NO_WORDS_S = 5.0
_NOT_UNDERSTOOD = (
    "The caller may have said something that was not understood, and it cut you off: they heard no more of you "
    "than stands here. Briefly ask them to say it again, and repeat what they may have missed."
)
# The tap comes back by itself and says when it gives up; the client of the LLM repeats a request itself.
_STT = APIConnectOptions(max_retry=3, retry_interval=0.5)
_TTS = APIConnectOptions(max_retry=1, retry_interval=0.5, timeout=8.0)
_NEVER = 1_000_000


class LiveKitSession:
    """One call's AgentSession."""

    def __init__(self, job: Job, client: AsyncOpenAI, threads: Executor) -> None:
        self._job = job
        self._leaving = Leaving(job)
        self._guards = Guards(job.emit)
        self._ready = asyncio.Event()
        """The session has its greeting, or it is over."""
        self._hangs_up = False
        self._tts_failed = False
        self._turn_forced = self._asked_again = False
        self._said_over: list[SpeechHandle] = []
        """What is said although the caller speaks, who cannot cut it off before they have stopped."""
        self._last_turn: tuple[ChatItem | None, int] = None, 0
        """What the caller said last, and when they had said it."""
        line, definition = job.line, job.definition
        self._input = LineInput(line)
        self._output = LineOutput(line, job.turns)
        self._over = self._input.over
        self._http = aiohttp.ClientSession()
        self._stt = services.speech_to_text(definition, job.stt_url, line.hears.rate, self._http)
        self._tts = text_to_speech(definition, job.tts, line.speaks.rate, self._http)
        self._llm = services.language_model(definition, client)
        self._agent = CallAgent(
            job,
            self._tts,
            _TTS,
            turn_over=self._turn_over,
            tts_asked=lambda: self._guards.after(NO_AUDIO_S, self._expect_audio),
            voiceless=lambda: self._guards.after(0, lambda: self._voiceless("the voice service does not work.")),
        )
        self._words = LiveKitWords(lambda: self._agent.messages)
        self._session: AgentSession[None] = AgentSession(
            stt=self._stt,
            vad=services.voice_activity(definition.turn, threads),
            llm=self._llm,
            tts=self._tts,
            turn_handling=services.turn_taking(definition.turn),
            # Text goes to the voice as the model writes it, as it does in the other framework.
            tts_text_transforms=None,
            user_away_timeout=None,
            aec_warmup_duration=None,
            session_close_transcript_timeout=0.0,
            max_tool_steps=_NEVER,
            conn_options=SessionConnectOptions(
                stt_conn_options=_STT,
                llm_conn_options=APIConnectOptions(max_retry=0, timeout=definition.llm.timeout_s),
                tts_conn_options=_TTS,
                max_unrecoverable_errors=_NEVER,
            ),
        )
        self._session.input.audio = self._input
        self._session.output.audio = self._output
        self._session.on("user_state_changed", self._user_state)
        self._session.on("error", self._failed)
        self._session.on("close", self._closed)
        if definition.turn.ended_by == "vad":
            job.tap.on_forced = self._end_turn

    async def run(self) -> None:
        # In an empty context: what began on a worker's thread has its job in the context, and LiveKit would report
        # to that, and tell the language model's service of it.
        await asyncio.create_task(self._talk(), name="livekit-session", context=contextvars.Context())

    async def _talk(self) -> None:
        job = self._job
        job.line.on_audio_out = job.turns.media_sent
        try:
            await self._session.start(self._agent, record=False, session_host=False)
            if not self._agent.held:
                await self.say(job.greeting)
            self._ready.set()
            await self._over.wait()
            self._leaving.line_is_over()
            if self._hangs_up:
                await job.hang_up(self._leaving.reason)
        finally:
            self._ready.set()
            self._guards.cancel()
            await self._close()
        await job.tap.finish()
        self._leaving.tell_last_words()

    async def trouble(self, reason: str) -> None:
        if self._leaving.begun or self._leaving.left_to_operator(self._agent.held, reason, self.trouble):
            return
        self._leaving.begin(reason)
        self._hangs_up = self._agent.held = True
        self._guards.after(_LAST_WORDS_S, self._leave)
        if not self._job.turns.speaking:
            await self._interrupt()
        if self._over.is_set():
            return
        text = Whole(self._job.definition.trouble)
        last_words = self._session.say(text, allow_interruptions=False, add_to_chat_ctx=False)
        last_words.add_done_callback(lambda _: self._over.set())

    async def stop(self) -> None:
        self._hangs_up = False
        await self._leave()

    @property
    def leaving(self) -> bool:
        return self._leaving.begun

    async def hush(self) -> None:
        await self._ready.wait()
        if not self._leaving.begun:
            await self._interrupt()

    async def say(self, text: str) -> None:
        await self._say_over(self._session.say(Whole(text), allow_interruptions=False))

    def whisper(self, text: str) -> None:
        self._words.add_guidance(text)

    async def hold(self) -> None:
        self._agent.held = True
        await self.hush()

    async def release(self, words: str = "") -> None:
        self._agent.held = False
        if self._leaving.begun:
            return
        if self._leaving.after_hold is not None:
            await self._leaving.after_hold()
        elif words or not self._words.begun:
            await self.say(words or self._job.greeting)
        elif self._words.unanswered and not self._job.turns.user_speaking:
            self._session.generate_reply()

    def operator_spoke(self, text: str, at: int) -> None:
        words, spoke_at = self._last_turn
        self._words.add_spoken(text, before=words if at < spoke_at else None)

    async def _say_over(self, speech: SpeechHandle) -> None:
        """Have it said although the caller may be speaking: LiveKit would keep back what may be interrupted."""
        await asyncio.sleep(0)
        if self._session.user_state == "speaking":
            self._said_over.append(speech)
        else:
            speech.allow_interruptions = True

    def _end_turn(self) -> None:
        """The operator has ended the turn: without this it would wait for the VAD to find silence."""
        self._turn_forced = True
        self._session.commit_user_turn()

    async def _answer(self) -> None:
        await self._say_over(self._session.generate_reply(allow_interruptions=False))

    async def _interrupt(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._session.interrupt(force=True), _HUSHED_S)

    async def _leave(self) -> None:
        self._over.set()

    async def _close(self) -> None:
        """Leave nothing behind: no task, no socket."""
        self._session.off("close", self._closed)
        async with contextlib.AsyncExitStack() as rest:
            rest.push_async_callback(self._http.close)
            for part in (self._llm, self._tts, self._output, self._session):
                rest.push_async_callback(part.aclose)
            if self._session.current_speech is not None:
                await self._interrupt()

    def _user_state(self, event: UserStateChangedEvent) -> None:
        turns = self._job.turns
        if event.new_state == "speaking":
            turns.user_started()
            return
        for speech in self._said_over:
            speech.allow_interruptions = True
        self._said_over.clear()
        if self._job.definition.turn.ended_by == "vad":
            # The service is to give its words now: it would wait for a silence of its own.
            self._guards.after(0, lambda: self._job.tap.send({"type": "ForceEndpoint"}))
        turn = turns.turn
        self._guards.after(_NO_WORDS_S, lambda: self._without_words(turn))

    async def _without_words(self, turn: int) -> None:
        """What was taken for speech had no words in it, such as a cough: what it cut off is taken up again, but
        not twice in a row, since the line may be noisy."""
        job, session = self._job, self._session
        turns = job.turns
        if self._leaving.begun or not turns.user_speaking or turns.turn != turn:
            return
        if session.user_state == "speaking" or session.current_speech is not None:
            return
        by, now = job.definition.turn.ended_by, time.monotonic_ns()
        turns.user_stopped("", decided_by=by, declared=now, last_voiced=job.line.ear.last_voiced)
        cut_off = not self._words.begun or self._words.unanswered or self._agent.was_cut_off
        if cut_off and not self._asked_again and not self._agent.held:
            self._asked_again = True
            session.generate_reply(instructions=_NOT_UNDERSTOOD)

    def _turn_over(self, message: llm.ChatMessage) -> bool:
        """Whether LiveKit is to answer: not while an operator holds the call, and not a turn that was forced."""
        job, at = self._job, time.monotonic_ns()
        self._asked_again = False
        by_service = job.definition.turn.ended_by == "assemblyai"
        final_at = job.tap.final_at
        job.tap.unanswered.taken(at)
        self._last_turn = message, job.line.ear.last_voiced or at
        job.turns.user_stopped(
            message.text_content or "",
            decided_by=job.definition.turn.ended_by,
            declared=final_at if by_service and at - final_at < _FINAL_RECENT_NS else at,
            last_voiced=job.line.ear.last_voiced,
            confidence=job.tap.final_confidence if by_service else None,
        )
        forced, self._turn_forced = self._turn_forced, False
        if self._agent.held:
            return False
        # An answer that was cut off took its connection along: the next opens while the model thinks.
        self._tts.prewarm()
        if forced:
            self._guards.after(0, self._answer)
        return not forced

    def _failed(self, event: ErrorEvent) -> None:
        """An error of a service. The tap has told those of AssemblyAI already, with their own words."""
        error = event.error
        if error.type == "stt_error":
            if not error.recoverable:
                self._guards.after(0, lambda: self.trouble("speech recognition does not work any more."))
        elif error.type == "llm_error":
            self._error("llm", error.error, "Look at OPENAI_API_KEY, the model's name and the service's status.")
            self._guards.after(0, lambda: self.trouble("the language model did not answer."))
        elif error.type == "tts_error" and not self._tts_failed:
            self._tts_failed = True
            key = f"{self._job.definition.voice.service.upper()}_API_KEY"
            self._error("tts", error.error, f"Look at {key}, the voice's name and the service's status.")

    def _closed(self, event: CloseEvent) -> None:
        """LiveKit has ended the session by itself."""
        if not self._over.is_set():
            self._job.emit(
                events.Error(
                    where="agent",
                    message=f"LiveKit ended the session: {event.reason.value}.",
                    fix="See the agent's log.",
                )
            )
            self._hangs_up = True
            self._over.set()

    def _error(self, where: str, error: Exception, fix: str) -> None:
        # LiveKit's errors write themselves with all their fields.
        text = error.message if isinstance(error, APIError) else str(error)
        if isinstance(error, APIStatusError):
            text += f" ({error.status_code})"
        self._job.emit(
            events.Error(where=where, message=f"{(text or type(error).__name__).rstrip('.')}."[:500], fix=fix)
        )

    async def _expect_audio(self) -> None:
        if self._leaving.voice_is_silent():
            await self._voiceless("the voice service is silent.")

    async def _voiceless(self, reason: str) -> None:
        """Without a voice nothing can be said: hang up rather than leave the caller in silence."""
        if self._leaving.begun or self._leaving.left_to_operator(self._agent.held, reason, self._voiceless):
            return
        self._leaving.begin(reason)
        self._hangs_up = True
        await self._leave()
