"""Frames that come in somebody else's pace, given out in ours. Pure.

For a path that keeps the order, such as a WebSocket. A frame that is not there when it is due is silence, and by
that the buffer is deeper from then on; what the last two seconds did not need of it is left out again, in a pause
of the speech if there is one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from simulator.audio import FRAME_MS, Samples
from simulator.caller.hearing import is_voiced

MOST_FRAMES: Final = 10
_FRAME: Final = FRAME_MS / 1000
_SPARE: Final = 0.006
"""Seconds that stay when the buffer is made shallower, or it would swing to and fro."""
_WINDOW: Final = 100
"""Frames over which is looked how much waiting was needed."""
_PAUSE_WITHIN: Final = 50
"""Frames in which a pause must come; then one is left out in the middle of speech."""
_MUTE: Final = 50
"""Missing frames in a row after which the sender counts as silent, not as late."""


@dataclass(slots=True)
class Reception:
    """`buffer_ms` waits now. `lost` frames were not there when they were due, `late` ones came when the buffer was
    full; `jitter_ms` is the interarrival jitter of RFC 3550."""

    buffer_ms: int = 0
    jitter_ms: float = 0.0
    lost: int = 0
    late: int = 0


class JitterBuffer:
    """Times are seconds: `now` on our clock, `sent` on the sender's."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, Samples]] = deque()
        self._lost = self._late = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._missing = _MUTE
        self._least = float("inf")
        self._taken = 0
        self._surplus = 0

    @property
    def reception(self) -> Reception:
        return Reception(len(self._frames) * FRAME_MS, self._jitter * 1000, self._lost, self._late)

    def push(self, samples: Samples, sent: float, now: float) -> None:
        """A frame arrives."""
        if self._transit is not None and self._missing < _MUTE:
            self._jitter += (abs(now - sent - self._transit) - self._jitter) / 16
        self._transit = now - sent
        self._frames.append((now, samples))
        if len(self._frames) > MOST_FRAMES:
            self._frames.popleft()
            self._late += 1

    def take(self, now: float) -> Samples | None:
        """The frame of the next 20 ms; None is silence."""
        if not self._frames:
            return self._miss()
        self._missing = 0
        arrived, samples = self._frames.popleft()
        self._least = min(self._least, now - arrived)
        self._taken += 1
        if self._taken >= _WINDOW and not self._surplus:
            self._surplus = max(0, int((self._least - _SPARE) / _FRAME))
            self._start_window()
        if self._surplus and self._frames and (not is_voiced(samples) or self._taken >= _PAUSE_WITHIN):
            self._surplus -= 1
            self._start_window()
            _, samples = self._frames.popleft()
        return samples

    def _miss(self) -> None:
        if self._missing < _MUTE:
            self._missing += 1
            self._lost += 1
        self._surplus = 0
        self._start_window()

    def _start_window(self) -> None:
        self._least = float("inf")
        self._taken = 0
