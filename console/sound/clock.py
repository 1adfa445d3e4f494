"""When the next 20 ms of sound are due. Pure: the caller gives the time, in seconds of any monotonic clock."""

from __future__ import annotations

from typing import Final

TICK_S: Final = 0.02
RATE: Final = 48_000
"""Samples a second inside the sound process."""
BLOCK: Final = 960
"""Samples in a tick."""
CATCH_UP: Final = 5
"""Ticks made up for at once after a stall; what is older is skipped, since devices and jitter buffers hold no more
and a burst of it would only be late sound."""


class Clock:
    """Absolute deadlines: a late tick does not delay the ones after it."""

    def __init__(self, now: float) -> None:
        self.next_at = now + TICK_S
        self.skipped = 0
        """Ticks that a stall took."""
        self._worst_s = 0.0

    def due(self, now: float) -> int:
        """How many ticks are to be done now."""
        if now < self.next_at:
            return 0
        late = now - self.next_at
        self._worst_s = max(self._worst_s, late)
        passed = int(late / TICK_S) + 1
        self.next_at += passed * TICK_S
        done = min(passed, CATCH_UP)
        self.skipped += passed - done
        return done

    def take_lateness(self) -> float:
        """The most that a tick was late since the last call, in seconds."""
        worst, self._worst_s = self._worst_s, 0.0
        return worst
