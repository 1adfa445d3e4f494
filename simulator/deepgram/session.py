"""One text to speech connection: text comes in pieces, audio goes out as soon as a sentence is complete."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.deepgram.voices import espeak_voice
from simulator.deepgram.wire import (
    BadMessage,
    Control,
    Speak,
    SpeakParameters,
    cleared,
    flushed,
    parse_message,
    warning,
)
from simulator.faults import Fault
from simulator.speech.sentences import split_sentences
from simulator.speech.synthesiser import SpeechUnavailable, Synthesiser
from simulator.voice_socket import Closed, Send, strike

log = logging.getLogger(__name__)

_CHUNK_MS: Final = 60
_PAUSE_MS: Final = 180
"""Between two sentences of one answer."""
_MAX_BUFFER_CHARACTERS: Final = 10_000
_MAX_JOBS: Final = 200
_WORDS_PER_MINUTE: Final = 165


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str


@dataclass(frozen=True, slots=True)
class _EndOfFlush:
    pass


class SpeakSession:
    """`receive` takes the client's messages, `run` speaks; both belong to one connection."""

    def __init__(
        self, parameters: SpeakParameters, synthesiser: Synthesiser, send: Send, fault: Fault | None
    ) -> None:
        """`fault`, if any, breaks the connection after so many milliseconds of audio."""
        self._parameters = parameters
        self._synthesiser = synthesiser
        self._send = send
        self._fault = fault
        self._buffer = ""
        self._jobs: asyncio.Queue[_Sentence | _EndOfFlush] = asyncio.Queue(_MAX_JOBS)
        self._epoch = 0
        self._sequence = 0
        self._sent_ms = 0
        self._spoken = False
        """Whether a sentence went out since the last flush, so that the next one begins with a pause."""

    async def receive(self, message: str | bytes) -> None:
        """Raises Closed when the client says goodbye."""
        try:
            # Messages are text: a binary one says nothing.
            match parse_message(message if isinstance(message, str) else ""):
                case Speak(text):
                    await self._take(text)
                case Control("Flush"):
                    await self._queue(_Sentence(self._buffer))
                    self._buffer = ""
                    await self._queue(_EndOfFlush())
                case Control("Clear"):
                    await self._clear()
                case Control():
                    raise Closed(1000, "")
        except BadMessage as bad:
            await self._send(warning(bad.code, str(bad)))

    async def run(self) -> None:
        """Speak what is queued, until cancelled. Raises Closed when the fault strikes."""
        while True:
            job, epoch = await self._jobs.get(), self._epoch
            if isinstance(job, _EndOfFlush):
                self._spoken = False
                await self._send(flushed(self._next()))
            else:
                await self._speak(job.text, epoch)

    async def _take(self, text: str) -> None:
        if len(self._buffer) + len(text) > _MAX_BUFFER_CHARACTERS:
            raise BadMessage("DATA-0001", "Too much text waits to be flushed; send Flush.")
        ready, self._buffer = split_sentences(self._buffer + text)
        if ready:
            await self._queue(_Sentence(ready))

    async def _queue(self, job: _Sentence | _EndOfFlush) -> None:
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull:
            raise BadMessage("DATA-0001", f"More than {_MAX_JOBS} messages wait to be spoken.") from None

    async def _clear(self) -> None:
        """Drop text and audio; what is being spoken stops at the next chunk."""
        self._epoch += 1
        self._spoken = False
        self._buffer = ""
        while not self._jobs.empty():
            self._jobs.get_nowait()
        await self._send(cleared(self._next()))

    async def _speak(self, text: str, epoch: int) -> None:
        if not text.strip():
            return
        rate = self._parameters.sample_rate
        try:
            speech = await self._synthesiser.speak(
                text,
                voice=espeak_voice(self._parameters.model),
                words_per_minute=round(_WORDS_PER_MINUTE * self._parameters.speed),
                sample_rate=rate,
            )
        except (SpeechUnavailable, ValueError) as error:
            log.error("Deepgram's stand-in cannot speak: %s", error)
            raise Closed(1011, str(error)) from None
        samples = speech.samples
        if self._spoken:
            samples = np.concatenate((np.zeros(rate * _PAUSE_MS // 1000, np.int16), samples))
        step = rate * _CHUNK_MS // 1000
        for start in range(0, len(samples), step):
            if epoch != self._epoch:
                return
            self._spoken = True
            await strike(self._fault, self._sent_ms, "Internal server error")
            await self._send(self._parameters.encode(samples[start : start + step]))
            self._sent_ms += _CHUNK_MS

    def _next(self) -> int:
        sequence, self._sequence = self._sequence, self._sequence + 1
        return sequence
