"""One simulated person on the telephone: speaks the lines of a script, hears what the agent says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from simulator.audio import Samples, alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from simulator.caller.conversation import Conversation
from simulator.caller.hearing import is_voiced
from simulator.caller.script import Script, Turn
from simulator.pacing import FRAME_MS
from simulator.speech.services import SpeechServices
from simulator.speech.vocabulary import Handle
from simulator.telnyx.media.options import Codec

SAMPLE_RATE: Final = 8000
_FRAME_SAMPLES: Final = SAMPLE_RATE * FRAME_MS // 1000
_KEY_TICKS: Final = 13
"""260 ms from one key to the next."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the person does in 20 ms: 160 samples at 8 kHz or silence (None), a key, or hanging up."""

    samples: Samples | None = None
    digit: str | None = None
    hang_up: bool = False


_SILENCE: Final = Said()


class Party:
    def __init__(self, script: Script, speech: SpeechServices) -> None:
        self.script = script
        self._speech = speech
        self._audio: list[Samples] = []
        self._vocabulary: Handle | None = None
        self._conversation = Conversation(script, [0] * len(script.turns))

    @property
    def codec(self) -> Codec:
        """What the telephone's leg negotiates."""
        return self.script.codec

    @property
    def warnings(self) -> list[str]:
        return self._conversation.warnings

    async def prepare(self) -> None:
        """Have every line spoken and known to the recogniser, before the call is answered.

        Raises SpeechUnavailable, or ValueError for a line or a voice that cannot be spoken.
        """
        lines = [turn.user for turn in self.script.turns if turn.user is not None]
        if lines:
            self._vocabulary = await self._speech.vocabulary.add(lines, voice=self.script.voice)
        self._audio = [await self._spoken(turn) for turn in self.script.turns]
        self._conversation = Conversation(self.script, [len(audio) // _FRAME_SAMPLES for audio in self._audio])

    def tick(self, heard: Samples | None) -> Said:
        """The next 20 ms of the call; `heard` is what the telephone plays in them, None for silence."""
        step = self._conversation.tick(is_voiced(heard))
        if step.hang_up:
            return Said(hang_up=True)
        if step.line is None:
            return _SILENCE
        keys = self.script.turns[step.line].dtmf
        if keys is not None:
            key, within = divmod(step.offset, _KEY_TICKS)
            return Said(digit=keys[key]) if within == 0 else _SILENCE
        start = step.offset * _FRAME_SAMPLES
        return Said(self._audio[step.line][start : start + _FRAME_SAMPLES])

    def close(self) -> None:
        """The call is over. The report stays."""
        self._conversation.end()
        self._audio = []
        if self._vocabulary is not None:
            self._speech.vocabulary.remove(self._vocabulary)
            self._vocabulary = None

    def report(self) -> dict[str, Any]:
        """`lines` and `heard_ms`, in milliseconds from the answer."""
        return {
            "lines": [line.report() for line in self._conversation.lines],
            "heard_ms": self._conversation.hearing.voiced_ticks * FRAME_MS,
        }

    async def _spoken(self, turn: Turn) -> Samples:
        """The audio of a turn as the telephone's codec leaves it, in whole frames."""
        if turn.user is None:
            return np.zeros(len(turn.dtmf or "") * _KEY_TICKS * _FRAME_SAMPLES, np.int16)
        speech = await self._speech.synthesiser.speak(turn.user, voice=self.script.voice, sample_rate=SAMPLE_RATE)
        whole = -(-max(len(speech.samples), 1) // _FRAME_SAMPLES) * _FRAME_SAMPLES
        padded = np.zeros(whole, np.int16)
        padded[: len(speech.samples)] = speech.samples
        return _through_codec(padded, self.codec)


def _through_codec(samples: Samples, codec: Codec) -> Samples:
    return alaw_decode(alaw_encode(samples)) if codec == "PCMA" else ulaw_decode(ulaw_encode(samples))
