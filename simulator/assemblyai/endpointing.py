"""When a turn begins, is worth a message, and ends: on the clock of the audio, never on the wall's.

The rule of a check after `min_turn_silence` and an end after `max_turn_silence` is that of AssemblyAI's agent
skill and its page "Turn detection". The rest was observed on the live service in September 2026: finals about
400 ms after the last word, and turns held for 1536 ms, where 128 and 1280 ms were set; both are 256 ms more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from simulator.assemblyai.confidence import Ramp, StreamingRamp, U3Ramp
from simulator.assemblyai.protocol import Ending
from simulator.assemblyai.settings import Settings
from simulator.speech.utterance import Hypothesis

FRAME_MS: Final = 20
U3_LATER_MS: Final = 256
"""Added by the service to a pause of Universal-3 models, and to `interruption_delay`."""
RETRY_MS: Final = 200
STREAMING_DELAY_MS: Final = 300
STREAMING_EVERY_MS: Final = 200
LEAST_SPEECH_MS: Final = 80
"""Less speech than this ends no turn of Universal-Streaming before `max_turn_silence`."""
# What the confidence must have risen by for another message during a pause.
WORTH_TELLING: Final = 0.05


class Event(Enum):
    """What the audio just heard calls for."""

    PARTIAL = auto()
    PAUSE = auto()
    """The pause is long enough to ask whether the turn is complete: call `judge`."""
    HELD = auto()
    """The pause goes on, and the confidence has risen."""
    END = auto()


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of audio from the first speech, between partials, of silence, and of a turn as a whole."""

    first_partial_ms: int
    partial_every_ms: int
    check_silence_ms: int
    end_silence_ms: int
    longest_ms: int
    least_speech_ms: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Timing:
        longest = settings.longest_turn_ms
        # No silence within a turn is longer than the turn.
        low = min(settings["min_turn_silence"], longest)
        high = max(low, min(settings["max_turn_silence"], longest))
        if settings.family == "streaming":
            return cls(STREAMING_DELAY_MS, STREAMING_EVERY_MS, low, high, longest, LEAST_SPEECH_MS)
        first = settings["interruption_delay"] + U3_LATER_MS
        every = 1000 if settings["continuous_partials"] else 3000
        return cls(first, every, low + U3_LATER_MS, high + U3_LATER_MS, longest)


def ramp_of(settings: Settings) -> Ramp:
    if settings.family == "u3":
        return U3Ramp()
    return StreamingRamp(settings["end_of_turn_confidence_threshold"])


class Endpointer:
    """Follows one session in frames of 20 ms."""

    def __init__(self, settings: Settings) -> None:
        self.tune(settings)
        self.reset()

    def tune(self, settings: Settings) -> None:
        """Go by these settings from here on, also in a pause that is going on."""
        self._timing = Timing.of(settings)
        self._ramp = ramp_of(settings)

    def reset(self) -> None:
        """The turn is over; the next begins with speech."""
        self.in_turn = False
        self.ended_by: Ending = ""
        """Why END was given, or `judge` was true."""
        self._turn_ms = 0
        self._speech_ms = 0
        self._silence_ms = 0
        self._next_partial_ms = self._timing.first_partial_ms
        self._finished: float | None = None
        self._told = 0.0

    @property
    def confidence(self) -> float:
        """That the turn is over, as of now: nothing while there is speech or nobody has judged."""
        if self._finished is None:
            return 0.0
        timing = self._timing
        wait = max(timing.end_silence_ms - timing.check_silence_ms, 1)
        held = (self._silence_ms - timing.check_silence_ms) / wait
        return self._ramp.confidence(self._finished, self._silence_ms, held)

    def frame(self, voiced: bool) -> Event | None:
        """The next 20 ms. After END, and where `judge` was true, call `reset`."""
        if not self.in_turn:
            if not voiced:
                return None
            self.reset()
            self.in_turn = True
        self._turn_ms += FRAME_MS
        if voiced:
            self._speech_ms += FRAME_MS
            self._silence_ms, self._finished = 0, None
        else:
            self._silence_ms += FRAME_MS
        timing = self._timing
        if self._turn_ms >= timing.longest_ms:
            self.ended_by = "forced"
            return Event.END
        if self._silence_ms >= timing.check_silence_ms:
            if self._finished is None:
                return Event.PAUSE
            return self._hold()
        if self._turn_ms >= self._next_partial_ms:
            self._next_partial_ms = self._turn_ms + timing.partial_every_ms
            return Event.PARTIAL
        return None

    def judge(self, hypothesis: Hypothesis) -> bool:
        """After PAUSE: whether the turn, of which this was heard, ends here."""
        self._finished = self._ramp.finished(hypothesis) if hypothesis.words else 0.0
        self._told = self.confidence
        return self._ends()

    def retry_partial(self) -> None:
        """There were no words yet for the first partial: it is due again shortly."""
        self._next_partial_ms = self._turn_ms + RETRY_MS

    def _ends(self) -> bool:
        timing = self._timing
        if self._speech_ms >= timing.least_speech_ms and self.confidence > self._ramp.threshold:
            self.ended_by = "confidence"
        elif self._silence_ms >= timing.end_silence_ms:
            self.ended_by = "max_silence"
        return self.ended_by != ""

    def _hold(self) -> Event | None:
        if self._ends():
            return Event.END
        if self.confidence < self._told + WORTH_TELLING:
            return None
        self._told = self.confidence
        return Event.HELD
