"""Two clocks are never the same: a device's runs some hundred parts in a million beside ours. What waits between
them is kept where it should be by playing it a little faster or slower, which nobody hears."""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from console.sound.clock import RATE

Samples = npt.NDArray[np.int16]

_MS: Final = RATE // 1000
_LEAST_MARGIN: Final = 10 * _MS
_MOST_MARGIN: Final = 60 * _MS
_LOOK_TICKS: Final = 100
_CALM_TICKS: Final = 3000
_MOST_BEND: Final = 0.001
"""Two hundredths of a semitone; the echo canceller still follows."""
_BEND_PER_SAMPLE: Final = 0.0001 / _MS
_LEARN_PER_SAMPLE: Final = 0.00002 / _MS
_LEARNT_FROM: Final = 5 * _MS
_FAR: Final = 40 * _MS
_TOO_FAR: Final = 120 * _MS


class FillControl:
    """How fast to play, from how much was to spare at each tick, in 48 kHz samples. The mean of two seconds should
    be a small margin, which grows when it was not enough and shrinks by a millisecond when it was for a minute."""

    def __init__(self) -> None:
        self.speed = 1.0
        self.margin = _LEAST_MARGIN
        self._drift = 0.0
        self._sum = self._ticks = self._calm = 0

    def ran_dry(self) -> None:
        """Nothing was left when something was taken."""
        self.margin = min(self.margin + 5 * _MS, _MOST_MARGIN)
        self._calm = 0

    def to_spare(self, samples: int) -> int:
        """Once a tick. Returns how many samples to leave out at once: what a stall has heaped up."""
        self._sum += samples
        self._ticks += 1
        self._calm += 1
        if self._calm >= _CALM_TICKS:
            self.margin = max(self.margin - _MS, _LEAST_MARGIN)
            self._calm = 0
        far = samples - self.margin
        if self._ticks < _LOOK_TICKS and far < _TOO_FAR:
            return 0
        excess = far if far >= _TOO_FAR else self._sum // self._ticks - self.margin
        self._sum = self._ticks = 0
        if excess > _FAR:
            return excess
        # A large excess is what a stall left behind, and says nothing of the clocks.
        if abs(excess) < _LEARNT_FROM:
            self._drift = _bounded(self._drift + excess * _LEARN_PER_SAMPLE)
        self.speed = 1 + _bounded(self._drift + excess * _BEND_PER_SAMPLE)
        return 0


def _bounded(bend: float) -> float:
    return min(max(bend, -_MOST_BEND), _MOST_BEND)


class Bend:
    """A stream of int16[n, channels] played at a speed near 1: cubic interpolation, two samples late. At speed 1
    from the start, the samples pass as they are."""

    def __init__(self, channels: int) -> None:
        self._kept: Samples = np.zeros((1, channels), np.int16)
        self._at = 1.0

    def push(self, samples: Samples, speed: float) -> Samples:
        """About ``len(samples) / speed`` samples."""
        line = np.concatenate((self._kept, samples))
        count = max(0, ceil((len(line) - 2 - self._at) / speed))
        at = self._at + speed * np.arange(count)
        index = at.astype(np.int64)
        part = at - index
        bent = line[index] if not part.any() else _between(line.astype(np.float32), index, part.astype(np.float32))
        following = self._at + speed * count
        first = int(following) - 1
        self._kept, self._at = line[first:], following - first
        return bent


def _between(
    line: npt.NDArray[np.float32], index: npt.NDArray[np.int64], part: npt.NDArray[np.float32]
) -> Samples:
    """Catmull-Rom."""
    before, here, after, then = line[index - 1], line[index], line[index + 1], line[index + 2]
    x = part[:, None]
    bent = here + 0.5 * x * (
        after - before + x * (2 * before - 5 * here + 4 * after - then + x * (3 * (here - after) + then - before))
    )
    return np.clip(np.rint(bent), -32768, 32767).astype(np.int16)
