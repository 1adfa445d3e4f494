"""A party's sounds as its leg carries them, and its words made known to the recogniser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.audio import Samples, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.caller.party import rate_of
from simulator.caller.tones import Sound, Speech, Tone, render_tone
from simulator.speech.services import SpeechServices
from simulator.speech.synthesiser import CALLER_VOICE
from simulator.speech.vocabulary import Handle
from simulator.telnyx.media.options import Codec

MACHINE_VOICE: Final = "en-us+f3"


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """Samples of several sounds, and where each of them begins, with the end of the last one: in samples."""

    samples: Samples
    edges: tuple[int, ...]


class Voice:
    """One party's voice on one call. `close` gives up what `learn` made known."""

    def __init__(self, services: SpeechServices, codec: Codec, name: str = CALLER_VOICE) -> None:
        self.codec: Codec = codec
        self.rate = rate_of(codec)
        self._services = services
        self._name = name
        self._handles: list[Handle] = []

    async def learn(self, sounds: Iterable[Sound]) -> None:
        """Make the words recognisable. Raises SpeechUnavailable or ValueError."""
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for sound in sounds:
            if isinstance(sound, Speech):
                lines[sound.voice or self._name].append(sound.text)
        for voice, texts in lines.items():
            self._handles.append(await self._services.vocabulary.add(texts, voice=voice))

    async def render(self, sounds: Sequence[Sound]) -> Rendered:
        """The sounds one after the other. Raises SpeechUnavailable or ValueError."""
        parts = [await self._samples(sound) for sound in sounds]
        edges = np.cumsum([0, *(len(part) for part in parts)])
        samples = np.concatenate(parts) if parts else np.zeros(0, np.int16)
        return Rendered(through_codec(samples, self.codec), tuple(int(edge) for edge in edges))

    def close(self) -> None:
        for handle in self._handles:
            self._services.vocabulary.remove(handle)
        self._handles = []

    async def _samples(self, sound: Sound) -> Samples:
        if isinstance(sound, Speech):
            spoken = await self._services.synthesiser.speak(
                sound.text, voice=sound.voice or self._name, sample_rate=self.rate
            )
            return spoken.samples
        if isinstance(sound, Tone):
            return render_tone(sound, self.rate)
        return np.zeros(sound.ms * self.rate // 1000, np.int16)


def through_codec(samples: Samples, codec: Codec) -> Samples:
    """`samples` as G.711 leaves them; the media plane itself applies the wideband codecs."""
    if codec == "PCMU":
        return ulaw_decode(ulaw_encode(samples))
    if codec == "PCMA":
        # A-law has no zero: silence would become a constant.
        return np.where(samples == 0, 0, alaw_decode(alaw_encode(samples))).astype(np.int16)
    return samples
