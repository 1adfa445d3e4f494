"""One voice from a network, at whatever rate, as blocks for the engine."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from console.sound.clock import RATE
from console.sound.jitter_buffer import JitterBuffer
from console.sound.levels import PeakHold, loudness_db
from console.sound.resampling import Converter

Samples = npt.NDArray[np.int16]

RATES: Final = (8000, 16_000, 24_000, 32_000, 44_100, 48_000)
"""What a line or an agent may send, in hertz."""


class Ear:
    """``ahead`` as for :class:`JitterBuffer`; ``level`` is of what was played."""

    def __init__(self, *, ahead: bool = False) -> None:
        self.buffer = JitterBuffer(ahead=ahead)
        self.level = PeakHold()
        self._rate = 0
        self._converter = Converter(RATE, RATE)

    def push(self, samples: bytes | memoryview, rate: int, at_us: int) -> None:
        """int16 little-endian at ``rate`` hertz, which crossed the wire at the sender's ``at_us``.

        Raises ValueError for a rate that no line has.
        """
        if rate != self._rate:
            if rate not in RATES:
                raise ValueError(f"audio of {rate} Hz")
            self._rate, self._converter = rate, Converter(rate, RATE)
        self.buffer.push(self._converter.push(np.frombuffer(samples, "<i2")), at_us / 1e6)

    def take(self) -> Samples | None:
        block = self.buffer.take()
        if block is not None:
            self.level.add(loudness_db(block))
        return block
