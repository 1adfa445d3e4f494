"""What the caller hears of the agent, 20 ms at a time. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.audio import Samples

_FLOAT32: Final = np.dtype(np.float32)
_VOICED_POWER: Final = 200.0**2
"""An amplitude of about -44 dBFS: above comfort noise, below the softest syllable of a telephone voice."""
_ONSET_TICKS: Final = 3
_QUIET_TICKS: Final = 20
"""60 ms of voice begin a burst of speech, 400 ms of quiet end it: longer than a pause inside a sentence."""


def is_voiced(samples: Samples | None) -> bool:
    """Whether 20 ms of audio hold more than background noise; None is silence."""
    if samples is None:
        return False
    wide = samples.astype(_FLOAT32)
    return float(wide.dot(wide)) > _VOICED_POWER * len(wide)


class Hearing:
    """Bursts of the agent's speech. Ticks count from the answer; `now` is the tick being heard."""

    def __init__(self) -> None:
        self.now = -1
        self.voiced_ticks = 0
        self.speaking = False
        self.started: int | None = None
        """Tick at which the burst that is on, or was last, began."""
        self.last_voiced: int | None = None
        """Tick of the last voice of a burst; blips too short for a burst do not count."""
        self._run = 0

    def tick(self, voiced: bool) -> None:
        self.now += 1
        if not voiced:
            self._run = 0
            if self.speaking and self.last_voiced is not None and self.now - self.last_voiced >= _QUIET_TICKS:
                self.speaking = False
            return
        self._run += 1
        self.voiced_ticks += 1
        if not self.speaking and self._run >= _ONSET_TICKS:
            self.speaking = True
            self.started = self.now - _ONSET_TICKS + 1
        if self.speaking:
            self.last_voiced = self.now

    def quiet_ticks(self) -> int:
        """Ticks since the agent was last heard, or since the answer when it never was."""
        return self.now - self.last_voiced if self.last_voiced is not None else self.now + 1
