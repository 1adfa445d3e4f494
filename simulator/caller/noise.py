"""Noise behind a speaker: a looped recording at a chosen distance below the speech. Pure but for the file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples
from simulator.caller.sound_file import read_sound
from simulator.caller.speech_level import power_of

_MOST_SECONDS: Final = 120
"""Of a noise file are kept, and of that many files."""
_KEPT_FILES: Final = 4
_RELEASE: Final = 0.02
"""What the mix may become louder by in 20 ms, as a part of full scale, after it had to be turned down."""
_PEAK: Final = 32_767.0
_LEAST_POWER: Final = 10.0
"""About -80 dBov: the dither of a resampler is less."""


class Noise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recording heard behind the speaker from the answer to the end, over and over: its first two minutes.

    `snr_db` is the active speech level (see `simulator.caller.speech_level`) above the mean power of the noise,
    -20 to 60 dB. Raises ValueError with one sentence when that makes no sense.
    """

    file: str
    snr_db: float = 15.0

    def __post_init__(self) -> None:
        if not -20 <= self.snr_db <= 60:
            raise ValueError(f"snr_db must be between -20 and 60, not {self.snr_db}.")


class NoiseLoop:
    """The samples of a noise file at one rate, frame by frame, without an end."""

    def __init__(self, samples: Samples) -> None:
        self.power = power_of(samples)
        self._samples = samples
        self._at = 0

    def next(self, length: int) -> NDArray[np.float32]:
        places = np.arange(self._at, self._at + length)
        self._at = (self._at + length) % len(self._samples)
        return self._samples.take(places, mode="wrap").astype(np.float32)


class Limiter:
    """Turns a mix down as a whole where it would clip, and slowly up again: the SNR stays as it was chosen."""

    def __init__(self) -> None:
        self._gain = 1.0

    def fit(self, mixed: NDArray[np.float32]) -> Samples:
        peak = float(np.abs(mixed).max())
        self._gain = min(1.0, self._gain + _RELEASE, _PEAK / max(peak, 1.0))
        return np.rint(mixed * np.float32(self._gain)).astype(np.int16)


def read_noise(file: str, rate: int) -> NoiseLoop:
    """Raises ValueError with one sentence."""
    path = Path(file)
    try:
        stat = path.stat()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    samples = _kept(path, stat.st_mtime_ns, stat.st_size, rate)
    loop = NoiseLoop(samples)
    if loop.power < _LEAST_POWER:
        raise ValueError(f"{path} holds silence and no noise.")
    return loop


@lru_cache(maxsize=_KEPT_FILES)
def _kept(path: Path, _changed: int, _size: int, rate: int) -> Samples:
    """One copy for all calls with the same noise, as long as the file stays the same."""
    samples: NDArray[Any] = read_sound(path, rate, _MOST_SECONDS)
    samples.setflags(write=False)
    return samples
