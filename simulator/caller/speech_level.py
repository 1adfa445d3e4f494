"""How loud speech is, its pauses left out. Pure.

The active speech level here is the mean power of the 20 ms frames that lie less than 15.9 dB below that mean: the
margin of ITU-T P.56, method B, without its 200 ms of hangover. Powers are of int16 samples, 32768² is 0 dBov.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import log10
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples
from simulator.caller.hearing import is_voiced
from simulator.caller.party import Said

FULL_SCALE: Final = 32_768.0**2
_MARGIN: Final = 10**-1.59
_NOMINAL: Final = FULL_SCALE * 10**-2.6
"""-26 dBov, the level at which telephone speech is meant to be (ITU-T P.830)."""
_REMEMBERED: Final = 150
_ENOUGH: Final = 10
_EVERY: Final = 5


def power_of(samples: Samples) -> float:
    """Mean square."""
    wide = samples.astype(np.float32)
    return float(wide.dot(wide)) / max(1, len(wide))


def decibels(power: float) -> float:
    """dBov."""
    return 10 * log10(max(power, 1e-3) / FULL_SCALE)


def active_power(powers: NDArray[np.float64]) -> float | None:
    """Of the powers of frames; None when all of them are silent."""
    active = powers[powers > 0]
    while len(active):
        mean = float(active.mean())
        louder = active[active > mean * _MARGIN]
        if len(louder) == len(active):
            return mean
        active = louder
    return None


def power_of_frames(frames: Iterable[Said]) -> float | None:
    """The active speech level of what a party may say; None when that is nothing."""
    spoken = [said.samples for said in frames if said.samples is not None]
    if not spoken:
        return None
    wide = np.stack(spoken).astype(np.float32)
    return active_power(np.einsum("ns,ns->n", wide, wide, dtype=np.float64) / wide.shape[1])


class RunningLevel:
    """The active speech level of a voice that is not known beforehand: of its last 3 s of speech.

    `power` is nominal until 200 ms of speech were heard.
    """

    def __init__(self) -> None:
        self.power = _NOMINAL
        self._powers: deque[float] = deque(maxlen=_REMEMBERED)
        self._heard = 0

    def hear(self, samples: Samples | None) -> None:
        if samples is None or not is_voiced(samples):
            return
        self._powers.append(power_of(samples))
        self._heard += 1
        if len(self._powers) >= _ENOUGH and self._heard % _EVERY == 0:
            powers: NDArray[Any] = np.array(self._powers)
            self.power = active_power(powers) or self.power
