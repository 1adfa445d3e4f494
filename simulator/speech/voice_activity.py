"""Which 20 ms of a line are speech, and how far speech stands out of its noise."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf, log, log10
from typing import Final

import numpy as np
import webrtcvad

from simulator.audio import Samples

FRAME_MS: Final = 20
FRAME: Final = 160
AGGRESSIVENESS: Final = 3
# A frame that stands this far above the noise is as likely speech as not, and e times as likely per further step.
EVEN_DB: Final = 8.3
STEP_DB: Final = 2.0
THRESHOLD: Final = 0.3
QUIETEST_DBFS: Final = -60.0
# A line that begins in the middle of a word has shown no noise in its first second: not more is taken for noise.
LOUDEST_NOISE_DBFS: Final = -32.0
FIRST_SECOND: Final = 50
_SMOOTHING: Final = 3
_MEMORY: Final = 150


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """20 ms at 8 kHz, and whether they are speech."""

    samples: Samples
    voiced: bool


class VoiceActivity:
    """Judges 8 kHz audio: WebRTC's detector, and the level against the least of the last three seconds."""

    def __init__(self) -> None:
        self._webrtc = webrtcvad.Vad(AGGRESSIVENESS)
        self.threshold = THRESHOLD
        self._rest: Samples = np.zeros(0, np.int16)
        self._latest: deque[float] = deque(maxlen=_SMOOTHING)
        self._levels: deque[float] = deque(maxlen=_MEMORY)

    @property
    def threshold(self) -> float:
        """How likely a frame must be speech to count as such, 0 (all that WebRTC takes for it) to 1 (nothing)."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"A voice activity threshold lies between 0 and 1, not at {value:g}.")
        self._threshold = value
        self._above_noise_db = above_noise_db(value)

    @property
    def snr_db(self) -> float:
        """The loudest of the last three seconds over the quietest."""
        levels = self._levels or (QUIETEST_DBFS,)
        return max(*levels, QUIETEST_DBFS) - max(min(levels), QUIETEST_DBFS)

    def push(self, samples: Samples) -> list[Frame]:
        """The frames that `samples` complete."""
        joined = np.concatenate((self._rest, samples))
        whole = len(joined) // FRAME * FRAME
        self._rest = joined[whole:]
        return [self._judge(frame) for frame in joined[:whole].reshape(-1, FRAME)]

    def _judge(self, samples: Samples) -> Frame:
        scaled = samples.astype(np.float32) / 32768
        level = 10 * log10(float(scaled @ scaled) / FRAME + 1e-9)
        self._latest.append(level)
        self._levels.append(sum(self._latest) / len(self._latest))
        noise = max(min(self._levels), QUIETEST_DBFS)
        if len(self._levels) < FIRST_SECOND:
            noise = min(noise, LOUDEST_NOISE_DBFS)
        stands_out = level > noise + self._above_noise_db
        return Frame(samples, stands_out and self._webrtc.is_speech(samples.tobytes(), 8000))


def above_noise_db(threshold: float) -> float:
    """How far above the noise a frame's level makes it speech with that probability."""
    if threshold in (0, 1):
        return inf if threshold else -inf
    return EVEN_DB + STEP_DB * log(threshold / (1 - threshold))
