"""Whether L16 audio is read in the wrong byte order, found by listening to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.line_meter import Samples

_FRAMES = 25
_LOUD_POWER = 300.0**2
_TIMES_SMOOTHER = 4


class OrderDoubt:
    """Listens to the first half second of loud audio. A voice in the wrong order is noise, whose second
    difference has six times the power of the audio; a voice's own has a tenth of it."""

    def __init__(self) -> None:
        self.open = True
        """Whether there is still something to find out."""
        self._heard = 0
        self._mine = self._other = 0.0

    def wrong(self, samples: Samples) -> bool:
        """Whether this frame settles that the order is wrong; True once at most."""
        mine = _roughness(samples)
        other = _roughness(samples.byteswap()) if mine else 0.0
        if not other:
            return False
        self._heard += 1
        self._mine += mine
        self._other += other
        self.open = self._heard < _FRAMES
        return not self.open and self._mine > _TIMES_SMOOTHER * self._other


def _roughness(samples: NDArray[Any]) -> float:
    """0 for what is too quiet to tell."""
    wave = samples.astype(np.float32)
    power = float(np.dot(wave, wave))
    if power < _LOUD_POWER * len(wave):
        return 0.0
    bend = np.diff(wave, 2)
    return float(np.dot(bend, bend)) / power
