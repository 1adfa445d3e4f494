"""A 16-bit PCM WAV file whose header is right after every write, so that a crash loses nothing written."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from simulator.audio import Samples

HEADER_BYTES: Final = 44
MOST_BYTES: Final = 2**31 - 1
"""Size of the audio that every reader of WAV files can take."""


class WavFile:
    """Written by one thread. Positions count sample frames, which hold one sample of each channel.

    Every method but `frames` raises OSError.
    """

    def __init__(self, path: Path, rate: int, channels: Literal[1, 2]) -> None:
        self.path = path
        self._rate = rate
        self._channels = channels
        self._frame_bytes = 2 * channels
        self._frames = 0
        self._file = None

    @property
    def frames(self) -> int:
        return self._frames

    def open(self) -> None:
        """Create the directory and the file, which takes the place of one with its name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w+b", buffering=0)
        self._put(0, _header(self._rate, self._channels))

    def write(self, at: int, samples: NDArray[np.int16]) -> None:
        """Samples of shape (frames, channels) or, interleaved, of one dimension; a gap before them is silence."""
        self._put(HEADER_BYTES + at * self._frame_bytes, samples.astype("<i2", copy=False).tobytes())
        self._grow(at + samples.size // self._channels)

    def merge(self, at: int, channel: int, samples: Samples) -> None:
        """Write one channel and leave what the other holds."""
        file = self._opened()
        file.seek(HEADER_BYTES + at * self._frame_bytes)
        there = np.frombuffer(file.read(len(samples) * self._frame_bytes) or b"", "<i2")
        both = np.zeros((len(samples), self._channels), np.int16)
        both.reshape(-1)[: len(there)] = there
        both[:, channel] = samples
        self.write(at, both)

    def truncate(self, frames: int) -> None:
        """Cut the file to at most `frames`."""
        if frames < self._frames:
            self._frames = frames
            self._sizes()
            self._opened().truncate(HEADER_BYTES + frames * self._frame_bytes)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _grow(self, frames: int) -> None:
        if frames > self._frames:
            self._frames = frames
            self._sizes()

    def _sizes(self) -> None:
        size = self._frames * self._frame_bytes
        self._put(4, struct.pack("<I", HEADER_BYTES - 8 + size))
        self._put(40, struct.pack("<I", size))

    def _put(self, at: int, data: bytes) -> None:
        file = self._opened()
        file.seek(at)
        rest = memoryview(data)
        while rest:
            # A disk that is filling up takes a part first and fails at the next attempt.
            rest = rest[file.write(rest) or 0 :]

    def _opened(self):
        if self._file is None:
            raise OSError("the file is not open")
        return self._file


def _header(rate: int, channels: int) -> bytes:
    frame = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", HEADER_BYTES - 8, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * frame,
        frame, 16, b"data", 0,
    )  # fmt: skip
