"""Resampling of 20 ms frames with 1.25 ms of delay, or less."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.audio import FRAME_MS, Samples

_FRAMES_PER_SECOND: Final = 1000 // FRAME_MS
# Half the length of the filter, in samples of the lower rate; and its edge, as a part of that rate's band.
_HALF_LENGTH: Final = 10
_EDGE: Final = 0.92


class FrameResampler:
    """Whole 20 ms frames in, whole 20 ms frames out; rates are multiples of 50 Hz.

    A frame is 20 ms at both rates, so an output sample has the same neighbours in each frame: one gather and one
    product replace the bookkeeping of `simulator.speech.resampler`, at a third of its cost.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self.frame = from_rate // _FRAMES_PER_SECOND
        self._index, self._filters = _filters(from_rate, to_rate)
        self._past = int(self._filters.shape[1])
        self._buffer = np.zeros(self._past + self.frame, np.float32)
        self._windows = np.empty(self._filters.shape, np.float32)
        self._out = np.empty(len(self._filters), np.float32)
        self._quiet = True

    @property
    def settled(self) -> bool:
        """Whether nothing is left inside, so that silence in is silence out."""
        return self._quiet

    def push(self, frame: Samples | None) -> Samples:
        """The next frame at the new rate; None is silence."""
        buffer, out = self._buffer, self._out
        buffer[: self._past] = buffer[self.frame :]
        self._quiet = frame is None
        buffer[self._past :] = 0 if frame is None else frame
        np.take(buffer, self._index, out=self._windows, mode="clip")
        np.einsum("nw,nw->n", self._windows, self._filters, out=out)
        np.rint(out, out)
        np.clip(out, -32768, 32767, out)
        return out.astype(np.int16)


@lru_cache(maxsize=32)
def _filters(from_rate: int, to_rate: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each output sample of a frame: which samples of the buffer, and their weights; (samples, taps) both."""
    ratio = min(1.0, to_rate / from_rate)
    half = ceil(_HALF_LENGTH / ratio)
    places = np.arange(to_rate // _FRAMES_PER_SECOND) * from_rate / to_rate
    index = np.floor(places).astype(np.int64)[:, None] + 1 + np.arange(2 * half)[None, :]
    offset = index - half - places[:, None]
    taps = np.sinc(offset * ratio * _EDGE) * np.square(np.cos(np.pi / 2 * np.clip(offset / half, -1, 1)))
    return index, (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
