"""The microphone's blocks as a line takes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from console.sound.clock import RATE
from console.sound.resampling import Converter

Samples = npt.NDArray[np.int16]


class Frames:
    """From blocks at 48 kHz to frames of exactly 20 ms at ``rate`` hertz."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._converter = Converter(RATE, rate)
        self._rest = np.empty(0, np.int16)

    def push(self, block: Samples) -> list[bytes]:
        """The frames that are full now, as little-endian int16: one, or now and then none or two."""
        samples = np.concatenate([self._rest, self._converter.push(block)])
        size = self.rate // 50
        full = len(samples) // size * size
        self._rest = samples[full:]
        return [samples[at : at + size].astype("<i2").tobytes() for at in range(0, full, size)]
