"""Between a device's thread and the clock: a ring, the device's rate to 48 kHz or back, and its drift."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK, RATE
from console.sound.drift import Bend, FillControl
from console.sound.resampling import Converter
from console.sound.ring import Ring

Samples = npt.NDArray[np.int16]

_HELD_S: Final = 0.4
_QUIET_S: Final = 0.25
_START_S: Final = 2.0
_MOST_CHUNK: Final = 2 * BLOCK
_MS: Final = RATE // 1000


@dataclass
class Tally:
    """Samples at 48 kHz and how often, since the device was first wanted."""

    filled: int = 0
    dropped: int = 0
    underruns: int = 0
    overruns: int = 0


class Lane:
    """``rate`` is the device's; ``now`` a clock in seconds.

    A device calls for a chunk at a time, and with clocks that differ its call wanders through the tick. So what is
    to spare is counted as if it came or went sample by sample, with the time since the last call: that is the same
    wherever in the tick the call falls.
    """

    def __init__(self, rate: int, channels: int, tally: Tally, now: Callable[[], float]) -> None:
        self.rate, self.tally = rate, tally
        self._now = now
        self._ring = Ring(int(rate * _HELD_S), channels)
        self._control = FillControl()
        self._bend = Bend(channels)
        self._primed = False
        self._made_at = self._called_at = now()

    @property
    def waiting_ms(self) -> int:
        """Sound that waits here, at a tick."""
        raise NotImplementedError

    def quiet(self) -> bool:
        """The device has not called for a quarter of a second; it has longer for its start."""
        now = self._now()
        return now - self._called_at > (_QUIET_S if now - self._made_at > _START_S else _START_S)

    def _called(self) -> None:
        self._called_at = self._now()

    def _since_call(self) -> int:
        return min(int((self._now() - self._called_at) * RATE), _MOST_CHUNK)

    def _at_48k(self, samples: int) -> int:
        return samples * RATE // self.rate


class MicrophoneLane(Lane):
    """The device's thread puts, the clock takes."""

    def __init__(self, rate: int, tally: Tally, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(rate, 1, tally, now)
        self._converter = Converter(rate, RATE)
        self._ready: Samples = np.empty((0, 1), np.int16)
        self._chunk = BLOCK

    @property
    def waiting_ms(self) -> int:
        return len(self._ready) // _MS

    def put(self, samples: Samples, overrun: bool = False) -> None:
        """On the device's thread: int16[n, 1] at the device's rate; ``overrun``: it lost some before these."""
        self._called()
        self._chunk = min(self._at_48k(len(samples)), _MOST_CHUNK)
        self.tally.overruns += overrun
        if lost := self._ring.write(samples):
            self.tally.dropped += self._at_48k(lost)

    def take(self) -> Samples:
        """int16[960]; silence where too little has come."""
        since, chunk = self._since_call(), self._chunk
        come = self._converter.push(self._ring.read(self._ring.fill)[:, 0])
        self._ready = np.concatenate((self._ready, self._bend.push(come[:, None], self._control.speed)))
        spare = len(self._ready) - BLOCK + since - chunk
        if not self._primed:
            if len(self._ready) < BLOCK or spare < self._control.margin:
                return np.zeros(BLOCK, np.int16)
            # What was heard before anybody listened is nothing lost.
            self._ready = self._ready[min(spare - self._control.margin, len(self._ready) - BLOCK) :]
            self._primed = True
        elif len(self._ready) < BLOCK:
            self._control.ran_dry()
            self.tally.filled += BLOCK
            self.tally.underruns += 1
            return np.zeros(BLOCK, np.int16)
        elif far := min(self._control.to_spare(spare), len(self._ready) - BLOCK):
            self._ready = self._ready[far:]
            self.tally.dropped += far
            self.tally.overruns += 1
        block, self._ready = self._ready[:BLOCK, 0], self._ready[BLOCK:]
        return block


class SpeakerLane(Lane):
    """The clock puts, the device's thread takes."""

    def __init__(self, rate: int, tally: Tally, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(rate, 2, tally, now)
        self._converters = (Converter(RATE, rate), Converter(RATE, rate))
        self._too_much = 0

    @property
    def waiting_ms(self) -> int:
        return self._ring.fill * 1000 // self.rate

    def put(self, block: Samples) -> None:
        """int16[960, 2]."""
        since = self._since_call()
        if self._primed:
            self._too_much += self._control.to_spare(self._at_48k(self._ring.fill) - since) * self.rate // RATE
        else:
            self._ring.write(np.zeros(((self._control.margin + since) * self.rate // RATE, 2), np.int16))
            self._primed = True
        bent = self._bend.push(block, self._control.speed)
        left, right = (one.push(bent[:, ear]) for ear, one in enumerate(self._converters))
        if lost := self._ring.write(np.stack((left, right), axis=1)):
            self.tally.dropped += self._at_48k(lost)

    def take(self, count: int, underrun: bool = False) -> Samples:
        """On the device's thread: int16[count, 2] at the device's rate, with silence where nothing has come;
        ``underrun``: it had too little before these."""
        self._called()
        if not self._primed:
            return np.zeros((count, 2), np.int16)
        if far := min(self._too_much, self._ring.fill):
            self._too_much = 0
            self.tally.dropped += self._at_48k(len(self._ring.read(far)))
        samples = self._ring.read(count)
        if missing := count - len(samples):
            self._control.ran_dry()
            self.tally.filled += self._at_48k(missing)
            samples = np.pad(samples, ((0, missing), (0, 0)))
        self.tally.underruns += bool(missing or underrun)
        return samples
