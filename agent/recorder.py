"""Both voices of a call laid out in time, as a stereo recording holds them; pure.

The caller is on the left, what the caller hears on the right. A time in the recording is a time in the call: what
the line leaves out is silence, the agent's audio stands where it is played, which is after what was sent before
it, and ends where a clear cut it.
"""

from __future__ import annotations

import numpy as np
import soxr

from agent.line_meter import Samples

_TOLERANCE_S = 0.06
"""Audio that comes so much too late still follows what was before it without a seam."""
_KEEP_S = 3.0
"""What is older is never laid out anew."""
_MOST_EARLY_S = 0.5
_MOST_AHEAD_S = 300.0


class Recorder:
    """A :class:`agent.line_audio.Listener` that is read with :meth:`take`. Times are monotonic nanoseconds.

    Args:
        began: the time of the first sample.
        hears, speaks: the line's rates in hertz; ``rate`` is the higher of them, that of the recording.
    """

    def __init__(self, began: int, hears: int, speaks: int) -> None:
        self.began = began
        self.rate = max(hears, speaks)
        self.paused = False
        self._caller = _Track(self.rate, hears)
        self._agent = _Track(self.rate, speaks)

    def caller(self, now: int, samples: Samples) -> None:
        samples = self._caller.own_rate(samples)
        self._caller.heard(self._at(now) - len(samples), self._paused(samples))

    def agent(self, now: int, samples: Samples, by_operator: bool) -> None:
        self._agent.sent(self._at(now), self._paused(self._agent.own_rate(samples)))

    def cleared(self, now: int) -> None:
        self._agent.cut(self._at(now))

    def pause(self, now: int) -> None:
        """Record silence from now on, also of what was sent and is not yet played."""
        self.paused = True
        for track in (self._caller, self._agent):
            track.cut(self._at(now))

    def resume(self) -> None:
        """Record what comes from now on."""
        self.paused = False

    def ms(self, now: int) -> int:
        """Where in the recording ``now`` is."""
        return (now - self.began) // 1_000_000

    def take(self, now: int) -> tuple[int, bytes]:
        """What changed since the last time, up to ``now``: the number of its first frame, and interleaved int16.

        It may begin before the end of what was taken last, which it then replaces.
        """
        end = self._at(now)
        tracks = self._caller, self._agent
        start = min(track.changed for track in tracks)
        frames = np.empty((max(0, end - start), 2), np.int16)
        for channel, track in enumerate(tracks):
            frames[:, channel] = track.take(start, end)
        return start, frames.tobytes()

    def _at(self, now: int) -> int:
        return (now - self.began) * self.rate // 1_000_000_000

    def _paused(self, samples: Samples) -> Samples:
        return np.zeros_like(samples) if self.paused else samples


class _Track:
    """One voice: its last seconds, by the number of the sample. ``changed`` is the first that was not taken."""

    def __init__(self, rate: int, source_rate: int) -> None:
        self.changed = 0
        self._first = 0
        self._audio = bytearray()
        self._gap, self._gap_end = 0, 0
        self._keep, self._tolerance = int(_KEEP_S * rate), int(_TOLERANCE_S * rate)
        self._most_early, self._most_ahead = int(_MOST_EARLY_S * rate), int(_MOST_AHEAD_S * rate)
        self._converter = (
            None if rate == source_rate else soxr.ResampleStream(source_rate, rate, 1, "int16", quality="QQ")
        )

    @property
    def _end(self) -> int:
        return self._first + len(self._audio) // 2

    def own_rate(self, samples: Samples) -> Samples:
        return samples if self._converter is None else self._converter.resample_chunk(samples)

    def heard(self, at: int, samples: Samples) -> None:
        """Audio whose first sample was spoken at ``at`` by the clock, or earlier where the line held it up."""
        if at - self._end > self._tolerance:
            self._silence(at)
        elif self._end - at > len(samples):
            self._take_back(self._end - at)
            if self._end - at > self._most_early:
                return
        self._audio += samples.tobytes()

    def sent(self, at: int, samples: Samples) -> None:
        """Audio that is played from ``at`` on, or after what was sent before it."""
        if at - self._end > self._tolerance:
            self._silence(at)
        if self._end - at < self._most_ahead:
            self._audio += samples.tobytes()

    def cut(self, at: int) -> None:
        """Nothing from ``at`` on is played."""
        at = max(at, self._first)
        del self._audio[2 * (at - self._first) :]
        self.changed = min(self.changed, at)

    def take(self, start: int, end: int) -> Samples:
        self._silence(end - self._tolerance)
        begin = start - self._first
        found = np.frombuffer(self._audio, np.int16)[begin : begin + end - start]
        samples = np.concatenate((found, np.zeros(end - start - len(found), np.int16)))
        self.changed = min(self._end, end)
        old = min(self.changed, end - self._keep) - self._first
        del found
        if old > 0:
            del self._audio[: 2 * old]
            self._first += old
        return samples

    def _silence(self, upto: int) -> None:
        missing = upto - self._end
        if missing > 0:
            if self._gap_end != self._end:
                self._gap = self._end
            self._audio += bytes(2 * missing)
            self._gap_end = self._end

    def _take_back(self, excess: int) -> None:
        """The line had held audio up: what stands for it as silence goes, so that it was spoken without a hole."""
        begin = max(self._gap, self._first)
        count = min(excess, self._gap_end - begin)
        if count > 0:
            offset = 2 * (begin - self._first)
            del self._audio[offset : offset + 2 * count]
            self._gap_end -= count
            self.changed = min(self.changed, begin)
