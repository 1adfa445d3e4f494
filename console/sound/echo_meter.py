"""How much of the echo is gone, measured while a call goes on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from console.sound.levels import SILENCE_DB

_WINDOW = 200
_EVERY = 50
_FIRST = 100
_MAX_LAG = 20
"""Ticks (400 ms) within which a played sound comes back."""
_FAR_SPEAKS_DB = -45.0
_QUIET_DB = -70.0
_ABOVE_NOISE_DB = 6.0
_NEAR_ABOVE_ECHO_DB = 6.0
_ALIKE = 0.5
_CANCELLER_LAG = 1
"""Ticks that the canceller delays the microphone."""
_ENOUGH = 15
_FORGOTTEN_AFTER = 10

Levels = npt.NDArray[np.float64]


class EchoMeter:
    """Echo return loss enhancement over the last four seconds, anew every second, from the loudness of each tick;
    the first after two.

    There is an echo where the microphone rises and falls with the speaker, some ticks later. A tick counts when
    the far end spoke so many ticks before, and the microphone hears more than its noise but not more than the
    echo usually is: that would be the near end's voice.
    """

    def __init__(self) -> None:
        self._levels: Levels = np.full((3, _WINDOW), float(SILENCE_DB))
        self._at = 0
        self._erle_db: float | None = None
        self._stale = 0

    @property
    def erle_db(self) -> float | None:
        """None until there was enough echo, and after ten seconds without any."""
        return self._erle_db

    def add(self, played_db: float, heard_db: float, clean_db: float) -> None:
        """One tick: how loud the speaker, the microphone and the microphone without the echo were, in dBFS."""
        self._levels[:, self._at % _WINDOW] = played_db, heard_db, clean_db
        self._at += 1
        if self._at % _EVERY or self._at < _FIRST:
            return
        found = enhancement(np.roll(self._levels, -self._at, axis=1)[:, -self._at :])
        self._stale = 0 if found is not None else self._stale + 1
        if found is not None or self._stale > _FORGOTTEN_AFTER:
            self._erle_db = found


def enhancement(levels: Levels) -> float | None:
    """From the loudness, tick by tick, of speaker, microphone and what was left of it; None without an echo."""
    played, heard = np.maximum(levels[:2], _QUIET_DB)
    alike, lag = max((_alike(played, heard, lag), lag) for lag in range(_MAX_LAG))
    if alike < _ALIKE:
        return None
    count = len(played) - lag - _CANCELLER_LAG
    played, heard, clean = played[:count], heard[lag:][:count], levels[2, lag + _CANCELLER_LAG :]
    far = played > _FAR_SPEAKS_DB
    if np.count_nonzero(far) < _ENOUGH:
        return None
    coupling = heard - played
    echo = far & (coupling < np.percentile(coupling[far], 30) + _NEAR_ABOVE_ECHO_DB)
    echo &= heard > np.percentile(heard, 5) + _ABOVE_NOISE_DB
    if np.count_nonzero(echo) < _ENOUGH:
        return None
    # The median: a word of the near end that was taken for echo does not count.
    return round(float(np.median((heard - clean)[echo])), 1)


def _alike(played: Levels, heard: Levels, lag: int) -> float:
    first, second = played[: len(played) - lag], heard[lag:]
    if not first.std() or not second.std():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
