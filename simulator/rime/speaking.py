"""Text to sound at about the pace of Rime's servers, for every way in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from simulator.faults import Fault
from simulator.rime.catalogue import espeak_voice
from simulator.rime.parameters import Voicing
from simulator.speech.synthesiser import Speech, SpeechUnavailable, Synthesiser
from simulator.voice_socket import Closed, strike

_CHUNK_MS: Final = 60
_TIMES_REAL: Final = 8
"""How much faster than real time sound is made. Rime says `done` when its buffer is empty: a voice that took no
time would say it after every sentence that a language model writes, which Rime's own seldom does."""


class Speaker:
    """Speaks for one connection or request; `fault`, if any, breaks it after so many milliseconds of sound."""

    def __init__(self, synthesiser: Synthesiser, fault: Fault | None) -> None:
        self._synthesiser = synthesiser
        self._fault = fault
        self._sent_ms = 0

    async def speech(self, text: str, voicing: Voicing) -> Speech:
        """Raises Closed where nothing can be spoken."""
        try:
            return await self._synthesiser.speak(
                text,
                voice=espeak_voice(voicing.speaker),
                words_per_minute=voicing.words_per_minute,
                sample_rate=voicing.rate,
            )
        except (SpeechUnavailable, ValueError) as error:
            raise Closed(1011, f"500: {error}") from None

    async def chunks(self, speech: Speech, voicing: Voicing, *, headed: bool = True) -> AsyncIterator[bytes]:
        """The encoded sound, piece by piece, a file of its own if `headed`. Raises Closed when a fault strikes."""
        step = voicing.rate * _CHUNK_MS // 1000
        head = voicing.head if headed else b""
        for start in range(0, len(speech.samples), step):
            await strike(self._fault, self._sent_ms, "internal error")
            yield head + voicing.encode(speech.samples[start : start + step])
            head = b""
            self._sent_ms += _CHUNK_MS
            await asyncio.sleep(_CHUNK_MS / 1000 / _TIMES_REAL)
