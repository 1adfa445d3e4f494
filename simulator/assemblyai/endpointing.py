"""When a turn begins, is worth a message, and ends: on the clock of the audio, never on the wall's.

The presets, and the rule of a check after `min_turn_silence` and an end after `max_turn_silence`, are those of
AssemblyAI's agent skill and its page "Turn detection". The rest was observed on the live service in September
2026: finals about 400 ms after the last word, and turns held for 1536 ms, where 128 and 1280 ms were set; both are
256 ms more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from simulator.assemblyai.parameters import Settings

FRAME_MS: Final = 20
MIN_TURN_MS: Final = 256
"""Added by the service to a pause of U3 models, and to `interruption_delay`."""
MAX_TURN_MS: Final = 60_000
RETRY_MS: Final = 100
# min_turn_silence, max_turn_silence, interruption_delay.
PRESETS: Final = {
    "min_latency": (128, 640, 0),
    "balanced": (128, 1280, 500),
    "max_accuracy": (512, 2560, 500),
}
STREAMING_PRESET: Final = (400, 1280)
STREAMING_DELAY_MS: Final = 300
STREAMING_EVERY_MS: Final = 200
# The confidence of a turn that is held, by the part of the wait from min to max silence that is over: AssemblyAI's
# staff in livekit/agents PR 7107.
HELD_CONFIDENCE: Final = ((0.0, 0.0), (0.4, 0.4), (0.75, 0.75))


class Event(Enum):
    """What the audio just heard calls for."""

    PARTIAL = auto()
    PAUSE = auto()
    """The pause is long enough to ask whether the turn is complete."""
    HELD = auto()
    """The turn was not complete, and the pause goes on."""
    END = auto()


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of audio from the first speech, between partials, and of silence."""

    first_partial_ms: int
    partial_every_ms: int
    check_silence_ms: int
    end_silence_ms: int

    @classmethod
    def of(cls, settings: Settings) -> Timing:
        low, high = settings["min_turn_silence"], settings["max_turn_silence"]
        if settings.family == "streaming":
            low = STREAMING_PRESET[0] if low is None else low
            high = STREAMING_PRESET[1] if high is None else high
            return cls(STREAMING_DELAY_MS, STREAMING_EVERY_MS, low, max(low, high))
        preset_low, preset_high, delay = PRESETS[settings["mode"]]
        low = preset_low if low is None else low
        high = max(low, preset_high if high is None else high)
        if settings["interruption_delay"] is not None:
            delay = settings["interruption_delay"]
        every = 1000 if settings["continuous_partials"] else 3000
        return cls(delay + MIN_TURN_MS, every, low + MIN_TURN_MS, high + MIN_TURN_MS)


class Endpointer:
    """Follows one session in frames of 20 ms."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        """May be replaced at any time."""
        self.reset()

    def reset(self) -> None:
        """The turn is over; the next begins with speech."""
        self.in_turn = False
        self.held_confidence = 0.0
        self._turn_ms = 0
        self._silence_ms = 0
        self._next_partial_ms = self.timing.first_partial_ms
        self._held = 0

    def frame(self, voiced: bool) -> Event | None:
        """The next 20 ms. After END, and where a PAUSE turns out to be the end, call `reset`."""
        if not self.in_turn:
            if not voiced:
                return None
            self.reset()
            self.in_turn = True
        self._turn_ms += FRAME_MS
        if voiced:
            self._silence_ms = self._held = 0
        else:
            self._silence_ms += FRAME_MS
        timing = self.timing
        if self._turn_ms >= MAX_TURN_MS or self._silence_ms >= timing.end_silence_ms:
            return Event.END
        if self._silence_ms >= timing.check_silence_ms:
            return self._hold()
        if self._turn_ms >= self._next_partial_ms:
            self._next_partial_ms = self._turn_ms + timing.partial_every_ms
            return Event.PARTIAL
        return None

    def retry_partial(self) -> None:
        """There were no words yet for the first partial: it is due again shortly."""
        self._next_partial_ms = self._turn_ms + RETRY_MS

    def _hold(self) -> Event | None:
        wait = self.timing.end_silence_ms - self.timing.check_silence_ms
        over = (self._silence_ms - self.timing.check_silence_ms) / max(wait, 1)
        if self._held >= len(HELD_CONFIDENCE) or over < HELD_CONFIDENCE[self._held][0]:
            return None
        self.held_confidence = HELD_CONFIDENCE[self._held][1]
        self._held += 1
        return Event.PAUSE if self._held == 1 else Event.HELD
