"""What the matcher compares: the shape of the spectrum of 8 kHz speech, a hundred times a second."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples

SAMPLE_RATE: Final = 8000
WINDOW: Final = 256
HOP: Final = 80
BANDS: Final = 20
LOWEST_HZ: Final = 180.0
HIGHEST_HZ: Final = 3600.0
# Added to each band's energy, so that noise at the line's floor looks the same as silence.
FLOOR: Final = 1e-4
_APART: Final = 4

Features = NDArray[np.float32]
"""Shape (frames, BANDS); frame n covers samples n·HOP to n·HOP + WINDOW."""


class FeatureStream:
    """Features of a stream of int16 chunks of any length at 8 kHz."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, np.int16)

    def push(self, samples: Samples) -> Features:
        """The frames that `samples` complete, perhaps none."""
        joined = np.concatenate((self._rest, samples))
        count = max(0, (len(joined) - WINDOW) // HOP + 1)
        self._rest = joined[count * HOP :]
        return features(joined[: (count - 1) * HOP + WINDOW] if count else joined[:0])


def features(samples: Samples) -> Features:
    """All whole frames of a recording at 8 kHz.

    A frame is the log energy in 20 mel bands less its mean, scaled to length 1 unless it is nearly flat: loudness
    is gone, and silence is close to zero and so resembles nothing.
    """
    count = max(0, (len(samples) - WINDOW) // HOP + 1)
    if not count:
        return np.zeros((0, BANDS), np.float32)
    scaled = samples.astype(np.float32) / 32768
    frames = np.lib.stride_tricks.sliding_window_view(scaled, WINDOW)[::HOP][:count] * _HANN
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))).astype(np.float32)
    bands = np.log(power @ _MEL + FLOOR)
    bands -= bands.mean(axis=1, keepdims=True)
    bands /= np.maximum(np.linalg.norm(bands, axis=1, keepdims=True), 1.0)
    return bands


def movement(shapes: Features) -> float:
    """How much more a frame resembles the one 40 ms before it than it resembles the average.

    Steady noise and tones give about 0 (measured: -0.10 to 0.04), for whatever they resemble they resemble always;
    speech gives 0.06 and more, 0.2 in the middle, because its shape moves, and moves slowly.
    """
    if len(shapes) <= _APART:
        return 0.0
    unit = shapes / np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), 0.05)
    neighbours = float(np.einsum("tb,tb->t", unit[_APART:], unit[:-_APART]).mean())
    return neighbours - float(np.square(unit.mean(axis=0)).sum())


def _mel_filters() -> NDArray[np.float32]:
    """Triangular filters, shape (WINDOW / 2 + 1, BANDS)."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    bins = np.arange(WINDOW // 2 + 1)[:, None] * (SAMPLE_RATE / WINDOW)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


_HANN: Final = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_MEL: Final = _mel_filters()
