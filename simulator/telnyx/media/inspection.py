"""Mistakes in the audio that an application sends, found by listening to it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from simulator.audio import FRAME_MS, Samples, alaw_decode, linear_decode, ulaw_decode
from simulator.telnyx.findings import Findings, Rule
from simulator.telnyx.media.mp3_header import looks_like_mp3
from simulator.telnyx.media.options import Codec

_BATCH_BYTES: Final = 2000
_BATCHES: Final = 8
_PAUSE_CHUNKS: Final = 25
"""Between batches, so that listening costs little and hears more than one sound."""
_LOUD: Final = 150
"""Root mean square below which audio says nothing about its codec."""
_SMOOTH: Final = 0.3
_ROUGH: Final = 0.25
_TIMES_ROUGHER: Final = 4
_SMOOTH_ALONE: Final = 0.15

_SECOND_TICKS: Final = 1000 // FRAME_MS
_STEADY_SECONDS: Final = 5
_WRONG_RATIOS: Final = (6.0, 3.0, 2.756, 2.0, 1.5, 1.378, 0.5, 1 / 3, 0.363)
_TOLERANCE: Final = 0.06

_READINGS: Final[dict[str, Callable[[bytes], Samples]]] = {
    "PCMU": ulaw_decode,
    "PCMA": alaw_decode,
    "little-endian 16-bit PCM": linear_decode(False),
    "big-endian 16-bit PCM": linear_decode(True),
}


class Inspector:
    """Looks at every chunk's size, at the first seconds of what it carries, and at the pace of all of them."""

    def __init__(self, codec: Codec, frame_bytes: int, findings: Findings, *, big_endian: bool = False) -> None:
        """`frame_bytes`: bytes in 20 ms, 0 for a codec without a fixed number."""
        self._codec: Codec = codec
        self._frame_bytes = frame_bytes
        self._findings = findings
        self._reading = codec
        if codec == "L16":
            self._reading = "big-endian 16-bit PCM" if big_endian else "little-endian 16-bit PCM"
        self._batch = bytearray()
        self._batches_left = _BATCHES if frame_bytes else 0
        self._pause = 0
        self.ticks = 0
        """20 ms steps of the call so far, counted by whoever plays the audio."""
        self._second_began = 0
        self._arrived_ms = 0.0
        self._ratios: deque[float] = deque(maxlen=_STEADY_SECONDS)

    def chunk(self, payload: bytes) -> None:
        """A payload that was accepted."""
        if len(payload) == self._frame_bytes:
            self.arrived(FRAME_MS)
        elif self._frame_bytes:
            frames, rest = divmod(len(payload), self._frame_bytes)
            self.arrived(frames * FRAME_MS + rest * FRAME_MS / self._frame_bytes)
            if rest:
                rule = Rule.ODD_CHUNK if frames else Rule.SHORT_CHUNK
                length = len(payload) * FRAME_MS / self._frame_bytes
                self._findings.note(rule, f"{length:g} ms, {len(payload)} bytes")
        if self._pause:
            self._pause -= 1
        elif self._batches_left:
            self._listen(payload)

    def arrived(self, milliseconds: float) -> None:
        if self.ticks - self._second_began >= _SECOND_TICKS:
            seconds, within = divmod(self.ticks - self._second_began, _SECOND_TICKS)
            self._second_began = self.ticks - within
            self._second_is_over(seconds)
        self._arrived_ms += milliseconds

    def _second_is_over(self, seconds: int) -> None:
        """One second with audio, and perhaps some without after it."""
        if seconds > 1:
            self._ratios.clear()
        else:
            self._ratios.append(self._arrived_ms / 1000)
        self._arrived_ms = 0.0
        if len(self._ratios) == _STEADY_SECONDS:
            self._judge_pace()

    def _judge_pace(self) -> None:
        """A burst is as long as it likes; a wrong rate is the same ratio second by second."""
        for ratio in _WRONG_RATIOS:
            if all(abs(found / ratio - 1) <= _TOLERANCE for found in self._ratios):
                self._ratios.clear()
                self._findings.note(Rule.WRONG_RATE, f"{ratio:.2g} s of audio per second, as {self._codec}")
                return

    def _listen(self, payload: bytes) -> None:
        if not self._batch and payload[:4] == b"RIFF":
            self._findings.note(Rule.WAV_HEADER, "RIFF, a WAV file")
        elif looks_like_mp3(payload):
            self._findings.note(Rule.WAV_HEADER, "an MP3 file in rtp mode")
        self._batch += payload[: _BATCH_BYTES - len(self._batch)]
        if len(self._batch) >= _BATCH_BYTES:
            batch = bytes(self._batch)
            self._batch.clear()
            self._pause = _PAUSE_CHUNKS
            self._judge_codec(batch)

    def _judge_codec(self, batch: bytes) -> None:
        self._batches_left -= 1
        declared = None
        if self._reading in _READINGS:
            declared = _roughness(_READINGS[self._reading](batch))
            if declared is None or declared <= _ROUGH:
                return
        others = {name: _roughness(read(batch)) for name, read in _READINGS.items() if name != self._reading}
        best, smoothest = min(
            ((name, found) for name, found in others.items() if found is not None),
            key=lambda reading: reading[1],
            default=("", _SMOOTH),
        )
        if declared is None:
            # What G.722 bytes mean depends on all before them, so only a clear case counts.
            wrong = smoothest < _SMOOTH_ALONE
        else:
            wrong = smoothest < _SMOOTH and declared > _TIMES_ROUGHER * smoothest
        if wrong:
            self._findings.note(Rule.WRONG_CODEC, f"it reads as {best}, and {self._codec} was asked for")


def _roughness(samples: Samples) -> float | None:
    """Power of the second difference by power: about 0.05 for vowels, 6 for noise; None when too quiet to tell.

    Read in the wrong codec, a voice keeps its melody and gains noise, so the right reading is the smoothest.
    """
    wave = samples.astype(np.float32)
    wave -= wave.mean()
    power = float(np.mean(wave * wave))
    if power < _LOUD * _LOUD:
        return None
    bend = np.diff(wave, 2)
    return float(np.mean(bend * bend)) / power
