"""A recording faster than it was, at its own pitch."""

from __future__ import annotations

from fractions import Fraction

import av
import av.filter
import numpy as np
import numpy.typing as npt

from console.sound.clock import RATE

Samples = npt.NDArray[np.int16]


class Tempo:
    """Stereo int16[n, 2] from ``from_hz`` to 48 kHz, ``speed`` times as fast: FFmpeg's ``atempo``."""

    def __init__(self, from_hz: int, speed: float) -> None:
        self._from_hz = from_hz
        # Kept: its filters do not keep it alive.
        self._graph = graph = av.filter.Graph()
        self._source = graph.add_abuffer(
            sample_rate=from_hz, format="s16", layout="stereo", time_base=Fraction(1, from_hz)
        )
        self._sink = graph.add("abuffersink")
        steps = [graph.add("aformat", f"sample_fmts=s16:sample_rates={RATE}:channel_layouts=stereo")]
        if speed != 1:
            steps.insert(0, graph.add("atempo", f"{speed:.3f}"))
        graph.link_nodes(self._source, *steps, self._sink).configure()

    def push(self, samples: Samples) -> Samples:
        """What is ready after ``samples``."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = self._from_hz
        self._source.push(frame)
        return self._ready()

    def end(self) -> Samples:
        """The rest."""
        self._source.push(None)
        return self._ready()

    def _ready(self) -> Samples:
        parts: list[Samples] = []
        while True:
            try:
                frame = self._sink.pull()
            except (BlockingIOError, EOFError):
                break
            assert isinstance(frame, av.AudioFrame)
            parts.append(frame.to_ndarray().reshape(-1, 2).astype(np.int16, copy=False))
        return np.concatenate(parts) if parts else np.empty((0, 2), np.int16)
