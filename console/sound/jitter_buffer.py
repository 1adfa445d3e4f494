"""Sound from a network, in time for a speaker: as little delay as its jitter allows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from console.sound.clock import BLOCK, RATE

Samples = npt.NDArray[np.int16]

LEAST_S, MOST_S = 0.020, 0.200
"""Between these the target depth follows the jitter."""
_FIRST_S = 0.040
_BLOCK_S = BLOCK / RATE
_WINDOW = 250
_LOOK_EVERY = 10
_DECAY = 0.05
_MARGIN_S = 0.005
_RESYNC_S = 0.2
_PAUSE_S = 0.06
_HELD_S = 60.0
_QUIET = 500
_PATIENCE, _NO_PATIENCE = 10, 50
_FADE = RATE // 400
_RAMP = np.linspace(0, 1, BLOCK, endpoint=False, dtype=np.float32)
_RISE = np.linspace(0, 1, _FADE, endpoint=False, dtype=np.float32)


@dataclass(slots=True)
class _Piece:
    """``due`` is the sender's time at which its first sample is to be played, ``wire`` that at which it crossed
    the wire; ``fresh``: it does not continue the piece before it."""

    due: float
    wire: float
    samples: Samples
    fresh: bool


class JitterBuffer:
    """One stream of mono int16 at 48 kHz: pushed as it arrives, 20 ms at each :meth:`take`.

    The target depth is the 95th percentile of the last 250 arrivals' lateness, risen to at once and left slowly,
    between 20 and 200 ms. A frame is left out or said twice, cross-faded and at a quiet moment if one comes within
    a second, until the depth fits. What is later than 200 ms is skipped.

    A stream is continuous, as a telephone's is, or with ``ahead`` it comes in stretches that may be sent before
    their time, each played after what was sent before it. All times are seconds.
    """

    def __init__(self, *, ahead: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._ahead, self._clock = ahead, clock
        self._pieces: deque[_Piece] = deque()
        self._held = 0
        self._end = float("-inf")
        self._lateness: deque[float] = deque(maxlen=_WINDOW)
        self._pushed = 0
        self._last: Samples | None = None
        self._dry_since = 0.0
        self._unfit = 0
        self._transit_s = 0.0
        self.way_s: float | None = None
        """The shortest time from ``at`` to an arrival, which says something where the two clocks agree."""
        self.target_s = _FIRST_S
        self.jitter_s = 0.0
        self.depth_s = 0.0
        """How long what was played last had been here, or would have with no jitter."""
        self.behind_s = 0.0
        """How long ago, by the sender's clock and ours, what was played last crossed the wire."""
        self.filled_s = 0.0
        """Silence that was played because the next sound had not come."""
        self.late_s = 0.0
        """Sound that came too late to be played."""

    def push(self, samples: Samples, at: float) -> None:
        """``at`` is the sender's time at which ``samples`` (any number of them) crossed the wire."""
        seconds = len(samples) / RATE
        if not seconds:
            return
        if self._held > _HELD_S * RATE:
            self.late_s += seconds
            return
        gap = at - self._end
        fresh = gap > _PAUSE_S if self._ahead else abs(gap) > _RESYNC_S
        due = max(at, self._end) if self._ahead else at if fresh else self._end
        self._end = due + seconds
        now = self._clock()
        self.way_s = now - at if self.way_s is None else min(self.way_s, now - at)
        self._observe(now - (at if self._ahead else due))
        self._pieces.append(_Piece(due, due if self._ahead else at, samples, fresh))
        self._held += len(samples)

    def take(self) -> Samples | None:
        """The next 960 samples; None is silence."""
        now, last = self._clock(), self._last
        head = self._pieces[0] if self._pieces else None
        age = 0.0 if head is None else now - head.due - self._transit_s
        if head is None or ((last is None or head.fresh) and age < self.target_s):
            if last is None:
                return None
            self._last, self._dry_since = None, now
            return _ended(last[:0], last)
        if last is None and not head.fresh:
            self.filled_s += now - self._dry_since
        self.depth_s, self.behind_s = max(0.0, age), now - head.wire
        block = self._fitted(age)
        if last is None:
            risen = block[:_FADE] * _RISE[: len(block)]
            block = np.concatenate([risen.astype(np.int16), block[_FADE:]])
        self._last = block
        if len(block) < BLOCK:
            self._last, self._dry_since = None, now
            return _ended(block, block if last is None or len(block) else last)
        return block

    def clear(self) -> None:
        """Play no more of what is held, but for a fade."""
        head = self._pieces[0] if self._pieces and self._last is not None else None
        rest = self._next(_FADE)
        self._pieces.clear()
        self._held = 0
        self._end = float("-inf")
        if head is not None:
            rest = (rest * _RISE[::-1][: len(rest)]).astype(np.int16)
            self._pieces.append(_Piece(head.due, head.wire, rest, False))
            self._held = len(rest)

    def _observe(self, lateness: float) -> None:
        self._lateness.append(lateness)
        self._pushed += 1
        if self._pushed == 1 or lateness < self._transit_s:
            self._transit_s = lateness
        if self._pushed % _LOOK_EVERY:
            return
        self._transit_s = min(self._lateness)
        self.jitter_s = float(np.percentile(self._lateness, 95)) - self._transit_s
        wanted = min(max(self.jitter_s + _MARGIN_S, LEAST_S), MOST_S)
        self.target_s = max(wanted, self.target_s + (wanted - self.target_s) * _DECAY)

    def _fitted(self, age: float) -> Samples:
        """The next block, where the depth does not fit with a piece left out before its end, or with the last one
        once more. It is short where the sound ends."""
        excess = age - self.target_s
        if age > MOST_S + _BLOCK_S:
            left_out = int(excess * RATE)
            self.late_s += left_out / RATE
            return self._skip(left_out)
        if -_BLOCK_S <= excess <= 1.5 * _BLOCK_S:
            self._unfit = 0
            return self._pop(BLOCK)
        self._unfit += 1
        after = self._next(BLOCK)
        patience = _PATIENCE if np.abs(after.astype(np.int32)).max() < _QUIET else _NO_PATIENCE
        if len(after) < BLOCK or self._unfit < patience:
            return self._pop(BLOCK)
        self._unfit = 0
        if excess > 0:
            return self._skip(BLOCK)
        return after if self._last is None else _blend(after, self._last)

    def _skip(self, count: int) -> Samples:
        before = self._next(BLOCK)
        self._pop(count)
        return _blend(before, self._pop(BLOCK))

    def _next(self, count: int) -> Samples:
        """The next samples, which stay: ``count``, or as many as follow without a pause."""
        parts: list[Samples] = []
        for piece in self._pieces:
            if count <= 0 or (parts and piece.fresh):
                break
            parts.append(piece.samples[:count])
            count -= len(parts[-1])
        return np.concatenate(parts) if parts else np.empty(0, np.int16)

    def _pop(self, count: int) -> Samples:
        """As :meth:`_next`, and they are gone."""
        found = self._next(count)
        left = len(found)
        self._held -= left
        while left:
            piece = self._pieces[0]
            taken = min(left, len(piece.samples))
            left -= taken
            if taken == len(piece.samples):
                self._pieces.popleft()
                continue
            piece.samples, piece.fresh = piece.samples[taken:], False
            piece.due += taken / RATE
            piece.wire += taken / RATE
        return found


def _ended(samples: Samples, before: Samples) -> Samples:
    """A block of ``samples`` and then silence, to which the end of ``before``, played backwards, leads without a
    step."""
    block = np.zeros(BLOCK, np.int16)
    block[: len(samples)] = samples
    tail = before[::-1][: min(_FADE, BLOCK - len(samples))]
    block[len(samples) : len(samples) + len(tail)] = tail * _RISE[::-1][: len(tail)]
    return block


def _blend(old: Samples, new: Samples) -> Samples:
    """From ``old`` into ``new``, as long as ``new``."""
    fading = np.zeros(len(new), np.float32)
    fading[: len(old)] = old[: len(new)]
    ramp = _RAMP[: len(new)]
    return (fading * (1 - ramp) + new * ramp).astype(np.int16)
