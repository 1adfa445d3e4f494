"""How loud a stream is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SILENCE_DB = -90
_FULL_SCALE = 32768.0


def loudness_db(samples: npt.NDArray[np.int16]) -> float:
    """RMS in dBFS of int16 of any shape, never below -90."""
    wide = samples.astype(np.float32).ravel()
    if not len(wide):
        return SILENCE_DB
    mean = float(np.dot(wide, wide)) / len(wide) / _FULL_SCALE**2
    return max(SILENCE_DB, 10 * float(np.log10(mean + 1e-12)))


class PeakHold:
    """The loudest block since it was last asked."""

    def __init__(self) -> None:
        self._db: float = SILENCE_DB

    def add(self, db: float) -> None:
        self._db = max(self._db, db)

    def take(self) -> int:
        db, self._db = self._db, SILENCE_DB
        return round(db)
