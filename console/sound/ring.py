"""A bounded ring of samples between a device's thread and the clock."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


class Ring:
    """int16[n, channels] from one writing thread to one reading thread, without a lock: each has a counter of its
    own that only it moves, after the samples are in place."""

    def __init__(self, capacity: int, channels: int) -> None:
        self._samples = np.zeros((capacity, channels), np.int16)
        self._written = self._read = 0

    @property
    def fill(self) -> int:
        """Samples that wait."""
        return self._written - self._read

    def write(self, samples: Samples) -> int:
        """Put in what there is room for; returns how many samples there was none for."""
        capacity = len(self._samples)
        taken = min(len(samples), capacity - self.fill)
        at = self._written % capacity
        first = min(taken, capacity - at)
        self._samples[at : at + first] = samples[:first]
        self._samples[: taken - first] = samples[first:taken]
        self._written += taken
        return len(samples) - taken

    def read(self, count: int) -> Samples:
        """Take out at most ``count`` samples, the oldest first."""
        capacity = len(self._samples)
        taken = min(count, self.fill)
        at = self._read % capacity
        first = min(taken, capacity - at)
        samples = np.concatenate((self._samples[at : at + first], self._samples[: taken - first]))
        self._read += taken
        return samples
