"""One streaming session, from its first audio to Termination."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from simulator.assemblyai import protocol
from simulator.assemblyai.audio_input import AudioInput
from simulator.assemblyai.endpointing import FRAME_MS, Endpointer, Event
from simulator.assemblyai.limits import Intake, Limits
from simulator.assemblyai.protocol import Ending, ServerMessage
from simulator.assemblyai.settings import Settings
from simulator.assemblyai.turns import StreamingTurns, Turns, U3Turns
from simulator.speech.recogniser import Recogniser
from simulator.speech.utterance import Hypothesis, Moment

API_VERSION: Final = "2025-05-12"
SILENCE_MS: Final = 1000
"""Between two Silence messages."""

logger = logging.getLogger(__name__)


class Session:
    """Hears the client's audio and sends what was recognised; reads no socket."""

    def __init__(
        self,
        settings: Settings,
        recogniser: Recogniser,
        audio: AudioInput,
        limits: Limits,
        send: Callable[[ServerMessage], Awaitable[None]],
        final_delay_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        """`final_delay_ms` is asked before each final, which then waits so long."""
        self.id = str(uuid.uuid4())
        self._settings = settings
        self._recogniser = recogniser
        self._audio = audio
        self._limits = limits
        self._send = send
        self._final_delay_ms = final_delay_ms
        self._turns: Turns = U3Turns(settings) if settings.family == "u3" else StreamingTurns(settings)
        self._endpointer = Endpointer(settings)
        self._intake = Intake(limits, timed=audio.timed)
        self._samples_heard = 0
        self._frames_heard = 0
        self._silent_since_ms = 0
        self._voiced_lately = False
        self._warned = ""
        self._known = Hypothesis()
        """The last that had words, of the present turn."""
        self._started = time.monotonic()

    @property
    def heard_ms(self) -> int:
        """Audio heard so far."""
        return self._samples_heard * 1000 // self._audio.rate

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._started

    async def begin(self, longest_seconds: float) -> None:
        """Say Begin: the session may last so long."""
        settings = self._settings
        configuration = protocol.Configuration(
            model=settings.model.name,
            mode=settings.mode,
            api_version=API_VERSION,
            speaker_labels=settings["speaker_labels"],
            redact_pii=settings["redact_pii"],
            filter_profanity=settings["filter_profanity"],
            domain=settings["domain"],
            voice_focus=settings["voice_focus"],
        )
        ignored = settings.ignored() | self._tune()
        ears = protocol.Ears(self._recogniser.engine, tuple(settings.unknown), ignored)
        if ears.unknown:
            logger.info("AssemblyAI session %s: v3 has no %s", self.id, _listed(ears.unknown))
        if ignored:
            logger.info("AssemblyAI session %s: without effect: %s", self.id, _listed(tuple(ignored)))
        await self._send(protocol.Begin(self.id, int(time.time() + longest_seconds), configuration, ears))

    async def audio(self, message: bytes) -> None:
        """One binary message. Raises SessionRefused when there is something wrong with it."""
        samples = self._audio.decode(message)
        self._intake.check(len(samples) * 1000 / self._audio.rate, self.elapsed_seconds)
        piece = self._audio.rate * FRAME_MS // 1000
        for start in range(0, len(samples), piece):
            part = samples[start : start + piece]
            self._samples_heard += len(part)
            for voiced in await self._recogniser.push(part):
                await self._frame(voiced)
        await self._warn()
        # A client that sends a recording as fast as it can must not hold up the calls beside it.
        await asyncio.sleep(0)

    async def update(self, fields: dict[str, Any]) -> None:
        """UpdateConfiguration: from here on. Raises SessionRefused."""
        ignored = self._settings.update(fields)
        ignored |= {name: reason for name, reason in self._tune().items() if name in fields}
        for name, reason in list(ignored.items())[:20]:
            logger.info("AssemblyAI session %s: UpdateConfiguration of %.60r: %s", self.id, name, reason)
        self._endpointer.tune(self._settings)

    async def force_endpoint(self) -> None:
        """End the turn with the words heard so far; without words the turn goes on."""
        if (await self._look("pause")).words:
            await self._end_turn("forced")

    async def heartbeat(self, since_ms: int, seconds: float) -> None:
        """Say how the audio comes in: `since_ms` had been heard `seconds` ago. Only if the client wants it."""
        voiced, self._voiced_lately = self._voiced_lately, False
        if not self._settings["session_heartbeat"]:
            return
        factor = round((self.heard_ms - since_ms) / 1000 / seconds, 4)
        total_ms = int(self.elapsed_seconds * 1000)
        await self._send(protocol.Heartbeat(self.heard_ms, total_ms, factor, float(voiced)))

    async def terminate(self) -> None:
        """The open turn's final, then Termination. The socket is to be closed at once."""
        await self._end_turn("hangup")
        for message in self._turns.termination(self._heard(Hypothesis(engine=self._recogniser.engine))):
            await self._send(message)
        await self._send(protocol.Termination(self.heard_ms // 1000, int(self.elapsed_seconds)))

    async def close(self) -> None:
        await self._recogniser.end_utterance()

    def _tune(self) -> dict[str, str]:
        """Tell the recogniser what it can be told; gives what it cannot, by the client's name for it."""
        settings = self._settings
        self._recogniser.vad_threshold(settings["vad_threshold"])
        language = "language" if settings.family == "streaming" else "language_codes"
        names = {"keyterms": "keyterms_prompt", "language": language}
        reasons = self._recogniser.bias(settings["keyterms_prompt"] or (), settings.language)
        return {settings.asked_as(names.get(name, name)): reason for name, reason in reasons.items()}

    async def _frame(self, voiced: bool) -> None:
        self._frames_heard += 1
        self._voiced_lately |= voiced
        event = self._endpointer.frame(voiced)
        if event:
            await self._on_event(event)
        now_ms = self._frames_heard * FRAME_MS
        if self._endpointer.in_turn:
            self._silent_since_ms = now_ms
        elif now_ms >= self._silent_since_ms + SILENCE_MS:
            since_ms, self._silent_since_ms = self._silent_since_ms, now_ms
            if self._settings["acknowledge_silence"] and self._settings.family == "u3":
                await self._send(protocol.Silence(since_ms, now_ms))

    async def _on_event(self, event: Event) -> None:
        if event is Event.END:
            await self._end_turn(self._endpointer.ended_by)
            return
        moment: Moment = "speech" if event is Event.PARTIAL else "pause"
        hypothesis = await self._look(moment)
        if event is Event.PAUSE and self._endpointer.judge(hypothesis):
            await self._end_turn(self._endpointer.ended_by)
            return
        tell = self._turns.partial if event is Event.PARTIAL else self._turns.pause
        for message in tell(hypothesis, self._endpointer.confidence, self._heard(hypothesis)):
            await self._send(message)
        if event is Event.PARTIAL and not hypothesis.words:
            self._endpointer.retry_partial()

    async def _look(self, moment: Moment) -> Hypothesis:
        hypothesis = await self._recogniser.hypothesis(moment)
        if hypothesis.words:
            self._known = hypothesis
        return hypothesis

    async def _end_turn(self, by: Ending) -> None:
        if not self._endpointer.in_turn:
            return
        confidence = self._endpointer.confidence
        await self._look("final")
        # Also where the last look found nothing any more: a turn that was begun must end.
        hypothesis, self._known = self._known, Hypothesis()
        messages = self._turns.final(hypothesis, confidence, self._heard(hypothesis, by))
        self._endpointer.reset()
        await self._recogniser.end_utterance()
        if messages:
            await asyncio.sleep(self._final_delay_ms() / 1000)
        for message in messages:
            await self._send(message)

    async def _warn(self) -> None:
        """Once each time that the recogniser falls behind."""
        behind = self._recogniser.behind
        if behind and not self._warned:
            await self._send(protocol.Notice(protocol.BEHIND, behind))
        self._warned = behind

    def _heard(self, hypothesis: Hypothesis, by: Ending = "") -> protocol.Heard:
        rough = self._recogniser.rough and hypothesis.engine == self._recogniser.engine
        return protocol.Heard(hypothesis.engine, rough, self.heard_ms, by)


def _listed(names: tuple[str, ...]) -> str:
    """Names from the wire, fit for one line of a log."""
    return ", ".join(repr(name[:60]) for name in names[:20])
