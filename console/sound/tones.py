"""What a softphone sounds like before anybody speaks: made, soft, and without an edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK, RATE

Samples = npt.NDArray[np.int16]

_EDGE_S = 0.02


class Tone:
    """``hertz`` together for ``on_s``, then silence for ``off_s``, again and again. ``strikes`` a second are
    struck as a bell is; 0 sounds on."""

    def __init__(
        self, hertz: tuple[float, ...], on_s: float, off_s: float, loudness: float, strikes: float = 0
    ) -> None:
        at = np.arange(round(on_s * RATE)) / RATE
        wave = sum((np.sin(2 * np.pi * one * at) for one in hertz), np.zeros(len(at))) / len(hertz)
        if strikes:
            since = at % (1 / strikes)
            wave *= np.minimum(since / 0.005, 1) * np.exp(-since * strikes * 2.5)
        edge = np.minimum(np.minimum(at, on_s - at) / _EDGE_S, 1)
        self._sound = (wave * edge * loudness * 32767).astype(np.int16)
        self._period = round((on_s + off_s) * RATE)
        self._at = 0

    def take(self) -> Samples:
        """The next 20 ms at 48 kHz, mono."""
        block = np.zeros(BLOCK, np.int16)
        heard = self._sound[self._at : self._at + BLOCK]
        block[: len(heard)] = heard
        self._at = (self._at + BLOCK) % self._period
        return block


def ring() -> Tone:
    """Somebody calls."""
    return Tone((587.3, 880.0), on_s=1.0, off_s=2.0, loudness=0.12, strikes=8)


def ringback() -> Tone:
    """It rings at the other end: the American tone."""
    return Tone((440.0, 480.0), on_s=2.0, off_s=4.0, loudness=0.06)
