"""One stereo WAV file per call: the caller on the left, the agent on the right, at the times they were heard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from simulator.audio import FRAME_MS, Samples
from simulator.recording.disk import Disk, Output
from simulator.recording.wav import MOST_BYTES, WavFile

_TICKS_PER_SECOND: Final = 1000 // FRAME_MS
_CHUNK_TICKS: Final = _TICKS_PER_SECOND
"""A second of audio is handed over at once, which is also the most that a crash can lose."""
_CALLER: Final = 0
_AGENT: Final = 1


class StereoWriter:
    """Fed from the media loop, which it never blocks; holds at most a second of audio."""

    def __init__(self, path: Path, rate: int, disk: Disk, on_problem: Callable[[str], None]) -> None:
        """`rate` in hertz, a multiple of 50, else ValueError. `on_problem` takes one sentence, on the loop."""
        if rate <= 0 or rate % _TICKS_PER_SECOND:
            raise ValueError(f"A rate of {rate} Hz has no whole samples in 20 ms; use a multiple of 50 Hz.")
        self._tick_frames = rate // _TICKS_PER_SECOND
        self._most_ticks = MOST_BYTES // (4 * self._tick_frames)
        self._file = WavFile(path, rate, 2)
        self._output = Output(disk, f"The recording {path.name}", on_problem)
        self._name = path.name
        self._chunk: np.ndarray | None = None
        self._first = 0
        self._ticks = 0
        self._output.hand_over(self._file.open, 0)

    def tick(self, index: int, caller: Samples | None, agent: Samples | None) -> None:
        """20 ms of both at tick `index` since the answer; None leaves a side as it is, which is silence at first.

        A tick may come twice or late: it lands at its own place. Fewer samples than 20 ms end with silence; more,
        or a negative index, are a ValueError.
        """
        if index < 0:
            raise ValueError(f"Tick {index} lies before the answer.")
        for side in (caller, agent):
            if side is not None and len(side) > self._tick_frames:
                raise ValueError(f"A tick holds {self._tick_frames} samples, not {len(side)}.")
        if index >= self._most_ticks:
            hours = self._most_ticks / _TICKS_PER_SECOND / 3600
            self._output.problem(f"The recording {self._name} is full at {hours:.0f} hours; the rest is missing.")
            return
        if index < self._first:
            self._correct(index, caller, agent)
            return
        if index >= self._first + _CHUNK_TICKS:
            self._flush()
            self._first = index
        if self._chunk is None:
            self._chunk = np.zeros((_CHUNK_TICKS * self._tick_frames, 2), np.int16)
        self._ticks = max(self._ticks, index - self._first + 1)
        at = (index - self._first) * self._tick_frames
        for channel, side in ((_CALLER, caller), (_AGENT, agent)):
            if side is not None:
                self._chunk[at : at + len(side), channel] = side
                self._chunk[at + len(side) : at + self._tick_frames, channel] = 0

    async def close(self) -> None:
        """Write what is left and close the file; returns when that is done."""
        self._flush()
        await self._output.close(self._file.close)

    def _correct(self, index: int, caller: Samples | None, agent: Samples | None) -> None:
        for channel, side in ((_CALLER, caller), (_AGENT, agent)):
            if side is not None:
                whole = np.zeros(self._tick_frames, np.int16)
                whole[: len(side)] = side
                job = partial(self._file.merge, index * self._tick_frames, channel, whole)
                self._output.hand_over(job, whole.nbytes)

    def _flush(self) -> None:
        if self._chunk is None:
            return
        samples = self._chunk[: self._ticks * self._tick_frames]
        self._output.hand_over(partial(self._file.write, self._first * self._tick_frames, samples), samples.nbytes)
        self._chunk, self._ticks = None, 0
