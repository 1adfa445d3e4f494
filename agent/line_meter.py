"""What the line does, counted from its own messages: frames, gaps, jitter, loudness, and what was played.

Pure: callers pass the time (``now``, monotonic nanoseconds) and the samples. One meter belongs to one stream.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

FRAME_NS = 20_000_000
_LATE_NS = 20_000_000
SILENCE_DB = -90
_VOICE_FLOOR_DB = -48.0
_VOICE_ABOVE_NOISE_DB = 9.0
_NOISE_RISE_DB = 0.02
MARK_EVERY_MS = 400
_MARK_LOST_MS = 2_000


def loudness_db(samples: Samples) -> float:
    """RMS in dBFS, never below -90."""
    if not len(samples):
        return SILENCE_DB
    wide = samples.astype(np.float32)
    mean = float(np.dot(wide, wide)) / len(wide)
    return max(SILENCE_DB, 10 * float(np.log10(mean / 32768**2 + 1e-12)))


class Ear:
    """The caller's side of the line, frame by frame; ``rate`` in hertz is that of its samples."""

    def __init__(self, rate: int) -> None:
        self.frames = 0
        self.gaps = 0
        self.late = 0
        self.last_voiced = 0
        """When the last frame with speech in it arrived; 0 before the first."""
        self.peak_db = float(SILENCE_DB)
        self._frame = rate // 50
        self._noise_db = -60.0
        self._jitter = 0.0
        self._last_chunk = 0
        self._due = 0

    @property
    def jitter_ms(self) -> int:
        """RFC 3550 §6.4.1's estimate, from arrival times against a 20 ms grid."""
        return round(self._jitter / 1e6)

    def received(self, now: int, chunk: int, samples: Samples) -> None:
        """A media message arrived. ``chunk`` is the carrier's count, 0 when it gave none."""
        frames = max(1, round(len(samples) / self._frame))
        self.frames += frames
        if chunk and self._last_chunk and chunk > self._last_chunk + 1:
            self.gaps += chunk - self._last_chunk - 1
        self._last_chunk = max(chunk, self._last_chunk)
        if self._due:
            off = now - self._due
            self._jitter += (abs(off) - self._jitter) / 16
            self.late += off > _LATE_NS
            # The grid follows slow drift, and a pause of the carrier does not make every later frame late.
            self._due += off // 8 if abs(off) < 5 * FRAME_NS else off
        self._due = (self._due or now) + frames * FRAME_NS
        level = loudness_db(samples)
        self.peak_db = max(self.peak_db, level)
        self._noise_db = min(level, self._noise_db + _NOISE_RISE_DB) if level > SILENCE_DB else self._noise_db
        if level > max(_VOICE_FLOOR_DB, self._noise_db + _VOICE_ABOVE_NOISE_DB):
            self.last_voiced = now

    def take_peak_db(self) -> int:
        """The loudest frame since the last call."""
        peak, self.peak_db = self.peak_db, float(SILENCE_DB)
        return round(peak)


class Mouth:
    """Our side of the line: what was sent, and how much of it the carrier has played.

    The carrier returns a mark when the audio before it was played, so every returned mark is a fixed point;
    between two of them time itself tells the position, as play-out is in real time.
    """

    def __init__(self) -> None:
        self.sent_ms = 0.0
        self.peak_db = float(SILENCE_DB)
        self._marks: deque[tuple[str, float]] = deque()
        self._since_mark = 0.0
        self._number = 0
        self._played = 0.0
        self._played_at = 0

    @property
    def frames(self) -> int:
        return round(self.sent_ms / 20)

    def sent(self, now: int, duration_ms: float, level_db: float) -> None:
        """Audio went out."""
        if self.queue_ms(now) == 0:
            self._played, self._played_at = self.sent_ms, now
        self.sent_ms += duration_ms
        self._since_mark += duration_ms
        self.peak_db = max(self.peak_db, level_db)

    def mark_due(self, *, at_end: bool = False) -> str | None:
        """The name of a mark that should be sent now; asking counts as sending it."""
        if not self._since_mark or (self._since_mark < MARK_EVERY_MS and not at_end):
            return None
        self._number += 1
        self._since_mark = 0.0
        name = f"played-{self._number}"
        self._marks.append((name, self.sent_ms))
        return name

    def mark_returned(self, now: int, name: str) -> None:
        """The carrier returned a mark. Unknown names, and those of cleared audio, say nothing."""
        if not any(name == waiting for waiting, _ in self._marks):
            return
        while self._marks:
            waiting, self._played = self._marks.popleft()
            self._played_at = now
            if waiting == name:
                break

    def played_ms(self, now: int) -> float:
        """How much of all that was ever sent has been played."""
        by_time = self._played + (now - self._played_at) / 1e6
        while self._marks and by_time > self._marks[0][1] + _MARK_LOST_MS:
            self._marks.popleft()
        return min(by_time, self._marks[0][1] if self._marks else self.sent_ms)

    @property
    def mark_waits(self) -> bool:
        """Whether the carrier has a mark that it has not returned."""
        return bool(self._marks)

    def queue_ms(self, now: int) -> int:
        """Audio that is at the carrier and not yet played."""
        return max(0, round(self.sent_ms - self.played_ms(now)))

    def cleared(self, now: int) -> int:
        """We sent ``clear``: what waits is dropped. Returns how many milliseconds that was."""
        dropped = self.queue_ms(now)
        self.sent_ms -= dropped
        self._played, self._played_at = self.sent_ms, now
        self._marks.clear()
        self._since_mark = 0.0
        return dropped

    def take_peak_db(self) -> int:
        """The loudest chunk since the last call."""
        peak, self.peak_db = self.peak_db, float(SILENCE_DB)
        return round(peak)
