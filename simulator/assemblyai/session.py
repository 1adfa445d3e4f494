"""One streaming session, from its first audio to Termination."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import numpy as np

from simulator.assemblyai import protocol
from simulator.assemblyai.endpointing import Endpointer, Event, Timing
from simulator.assemblyai.parameters import Settings
from simulator.assemblyai.protocol import ServerMessage, SessionRefused
from simulator.assemblyai.turns import StreamingTurns, Turns, U3Turns
from simulator.audio import Samples, ulaw_decode
from simulator.speech.recogniser import Recogniser
from simulator.speech.utterance import Moment

SHORTEST_MESSAGE_MS: Final = 50
LONGEST_MESSAGE_MS: Final = 1000
# The service was seen to bear messages that are too short for about a second.
SHORT_MESSAGES_BORNE: Final = 48
PIECE_MS: Final = 20
# `Begin.expires_at` without a cap: three hours, as seen on the live service.
LONGEST_SESSION_SECONDS: Final = 10_800

logger = logging.getLogger(__name__)


class Session:
    """Hears the client's audio and sends what was recognised; reads no socket."""

    def __init__(
        self, settings: Settings, recogniser: Recogniser, send: Callable[[ServerMessage], Awaitable[None]]
    ) -> None:
        self.id = str(uuid.uuid4())
        self._settings = settings
        self._recogniser = recogniser
        self._send = send
        self._turns: Turns = U3Turns(settings) if settings.family == "u3" else StreamingTurns(settings)
        self._endpointer = Endpointer(Timing.of(settings))
        self._rate: int = settings["sample_rate"]
        self._mulaw: bool = settings["encoding"] == "pcm_mulaw"
        self._odd_byte = b""
        self._short_messages = 0
        self._samples_heard = 0
        self._started = time.monotonic()

    @property
    def heard_ms(self) -> int:
        """Audio received so far."""
        return self._samples_heard * 1000 // self._rate

    async def begin(self) -> None:
        settings = self._settings
        configuration = protocol.Configuration(
            model=settings.model,
            mode=settings["mode"] if settings.family == "u3" else None,
            api_version="2025-05-12",
            speaker_labels=settings["speaker_labels"],
            redact_pii=settings["redact_pii"],
            filter_profanity=settings["filter_profanity"],
            domain=settings["domain"],
            voice_focus=settings["voice_focus"],
        )
        expires_at = int(time.time()) + LONGEST_SESSION_SECONDS
        await self._send(protocol.Begin(self.id, expires_at, configuration))

    async def audio(self, payload: bytes) -> None:
        """One binary message. Raises SessionRefused when it is too long, or one too short too many."""
        samples = self._decoded(payload)
        duration_ms = len(samples) * 1000 / self._rate
        short = duration_ms < SHORTEST_MESSAGE_MS
        self._short_messages = self._short_messages + 1 if short else 0
        if duration_ms > LONGEST_MESSAGE_MS or self._short_messages > SHORT_MESSAGES_BORNE:
            raise SessionRefused(
                protocol.INPUT_DURATION,
                f"Input Duration Error: Input Duration Violation: {duration_ms:.1f} ms. "
                f"Expected between {SHORTEST_MESSAGE_MS} and {LONGEST_MESSAGE_MS} ms",
            )
        self._samples_heard += len(samples)
        piece = self._rate * PIECE_MS // 1000
        for start in range(0, len(samples), piece):
            for voiced in await self._recogniser.push(samples[start : start + piece]):
                event = self._endpointer.frame(voiced)
                if event:
                    await self._on_event(event)
        # A client that sends a recording as fast as it can must not hold up the calls beside it.
        await asyncio.sleep(0)

    async def update(self, fields: dict[str, Any]) -> None:
        """UpdateConfiguration: from here on. Raises SessionRefused."""
        ignored = self._settings.update(fields)
        if ignored:
            logger.info("AssemblyAI session %s: UpdateConfiguration cannot change %s", self.id, listed(ignored))
        self._endpointer.timing = Timing.of(self._settings)

    async def force_endpoint(self) -> None:
        """End the turn with the words heard so far; without words the turn goes on."""
        if (await self._recogniser.hypothesis("pause")).words:
            await self._end_turn()

    async def terminate(self) -> None:
        """The open turn's final, then Termination. The socket is to be closed at once."""
        await self._end_turn()
        for message in self._turns.termination():
            await self._send(message)
        session_seconds = int(time.monotonic() - self._started)
        await self._send(protocol.Termination(self.heard_ms // 1000, session_seconds))

    async def close(self) -> None:
        await self._recogniser.end_utterance()

    def _decoded(self, payload: bytes) -> Samples:
        if self._mulaw:
            return ulaw_decode(payload)
        payload = self._odd_byte + payload
        whole = len(payload) // 2 * 2
        self._odd_byte = payload[whole:]
        return np.frombuffer(payload[:whole], "<i2").astype(np.int16, copy=False)

    async def _on_event(self, event: Event) -> None:
        if event is Event.END:
            await self._end_turn()
            await self._forget_turn()
            return
        moment: Moment = "speech" if event is Event.PARTIAL else "pause"
        hypothesis = await self._recogniser.hypothesis(moment)
        if event is Event.PAUSE and hypothesis.words and self._turns.ends_at_pause(hypothesis):
            await self._end_turn()
            return
        confidence = 0.0 if event is Event.PARTIAL else self._endpointer.held_confidence
        for message in self._turns.partial(hypothesis, confidence):
            await self._send(message)
        if event is Event.PARTIAL and not hypothesis.words:
            self._endpointer.retry_partial()

    async def _end_turn(self) -> None:
        if not self._endpointer.in_turn:
            return
        messages = self._turns.final(await self._recogniser.hypothesis("final"))
        for message in messages:
            await self._send(message)
        if messages:
            await self._forget_turn()

    async def _forget_turn(self) -> None:
        self._endpointer.reset()
        await self._recogniser.end_utterance()


def listed(names: list[str]) -> str:
    """Names from the wire, fit for one line of a log."""
    return ", ".join(repr(name[:60]) for name in names[:20])
