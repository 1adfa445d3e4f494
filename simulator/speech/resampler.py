"""Resampling of a stream with about a millisecond of delay."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples

# Half the length of the filter, in samples of the lower rate; and its edge, as a part of that rate's band.
HALF_LENGTH: Final = 10
EDGE: Final = 0.92
MOST_PHASES: Final = 640


class StreamResampler:
    """A windowed-sinc resampler for int16 chunks of any length.

    Raises ValueError for a pair of rates without a common step, such as 8001 and 8000.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        common = gcd(from_rate, to_rate)
        self._up, self._down = to_rate // common, from_rate // common
        if self._up > MOST_PHASES:
            raise ValueError(f"Audio at {from_rate} Hz cannot be resampled here; use a multiple of 25 Hz.")
        self._filters = _filters(from_rate, to_rate)
        self._half = self._filters.shape[1] // 2
        # Zeros before the first sample, as many as the filter looks back.
        self._buffer: Samples = np.zeros(self._half - 1, np.int16)
        self._phase = 0

    def push(self, samples: Samples) -> Samples:
        """The samples at the new rate for which `samples` give enough to look ahead."""
        if self._up == self._down:
            return samples
        buffer = np.concatenate((self._buffer, samples))
        width = 2 * self._half
        room = (len(buffer) - width + 1) * self._up - self._phase
        count = max(0, -(-room // self._down))
        places = self._phase + np.arange(count) * self._down
        starts, phases = np.divmod(places, self._up)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(buffer, width)[starts]
            out = np.einsum("nw,nw->n", windows.astype(np.float32), self._filters[phases])
        else:
            out = np.zeros(0, np.float32)
        after = self._phase + count * self._down
        used = min(after // self._up, len(buffer))
        self._buffer = buffer[used:]
        self._phase = after - used * self._up
        return np.rint(np.clip(out, -32768, 32767)).astype(np.int16)


@lru_cache(maxsize=16)
def _filters(from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """One low-pass filter for each position between two input samples, shape (phases, taps)."""
    phases = to_rate // gcd(from_rate, to_rate)
    ratio = min(1.0, to_rate / from_rate)
    half = ceil(HALF_LENGTH / ratio)
    offset = np.arange(-half + 1, half + 1)[None, :] - (np.arange(phases) / phases)[:, None]
    taps = np.sinc(offset * ratio * EDGE) * np.square(np.cos(np.pi / 2 * np.clip(offset / half, -1, 1)))
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
