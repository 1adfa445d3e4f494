"""Any party, with noise behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from simulator.audio import Samples
from simulator.caller.noise import Limiter, Noise, NoiseLoop, read_noise
from simulator.caller.party import Party, Said, frame_samples
from simulator.caller.speech_level import RunningLevel, decibels, power_of_frames
from simulator.caller.voice import through_codec
from simulator.telnyx.media.options import Codec

_SLEW: Final = 0.1
"""What the noise's gain moves in 20 ms of the way to where the speech wants it."""


def with_noise(party: Party, noise: Noise | None) -> Party:
    return party if noise is None else NoisyParty(party, noise)


class NoisyParty:
    """`party` with `noise` mixed under all that it says, and through its pauses.

    The level of the speech is that of the prepared lines; a party without any, such as a microphone, is measured
    as it speaks.
    """

    def __init__(self, party: Party, noise: Noise) -> None:
        self.party = party
        self.noise = noise
        self._loop: NoiseLoop | None = None
        self._known: float | None = None
        self._level = RunningLevel()
        self._limiter = Limiter()
        self._gain: float | None = None
        self._length = frame_samples(party.rate)

    @property
    def codec(self) -> Codec:
        return self.party.codec

    @property
    def rate(self) -> int:
        return self.party.rate

    @property
    def warnings(self) -> list[str]:
        return self.party.warnings

    @property
    def beep_at_ms(self) -> int | None:
        return self.party.beep_at_ms

    @property
    def greeting_end_ms(self) -> int | None:
        return self.party.greeting_end_ms

    async def prepare(self) -> None:
        """Raises SpeechUnavailable, or ValueError in one sentence."""
        self._loop = await asyncio.to_thread(read_noise, self.noise.file, self.rate)
        await self.party.prepare()
        self._known = await asyncio.to_thread(power_of_frames, self.party.prepared())

    def prepared(self) -> Iterable[Said]:
        return self.party.prepared()

    def tick(self, heard: Samples | None) -> Said:
        said = self.party.tick(heard)
        if self._loop is None:
            return said
        return Said(self._mixed(self._loop, said.samples), said.digit, said.hang_up)

    def press(self, digit: str) -> None:
        self.party.press(digit)

    def close(self) -> None:
        self.party.close()
        self._loop = None

    def report(self) -> dict[str, Any]:
        """The party's own, with `noise`: the file, the SNR, and the level of the speech in dBov."""
        level = round(decibels(self._speech_power()), 1)
        told = {"file": Path(self.noise.file).name, "snr_db": self.noise.snr_db, "speech_dbov": level}
        return {**self.party.report(), "noise": told}

    def _mixed(self, loop: NoiseLoop, speech: Samples | None) -> Samples:
        if self._known is None:
            self._level.hear(speech)
        wanted = (self._speech_power() / loop.power * 10 ** (-self.noise.snr_db / 10)) ** 0.5
        self._gain = wanted if self._gain is None else self._gain + (wanted - self._gain) * _SLEW
        mixed = loop.next(self._length) * np.float32(self._gain)
        if speech is not None:
            mixed[: len(speech)] += speech
        return through_codec(self._limiter.fit(mixed), self.codec)

    def _speech_power(self) -> float:
        return self._known or self._level.power
